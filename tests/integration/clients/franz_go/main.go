// franz-go as a program that does what it is told: see tests/kafka_programs.py for the commands.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	poll      = 100 * time.Millisecond
	heartbeat = 100 * time.Millisecond
	session   = 6 * time.Second
	patience  = 20 * time.Second

	// metadataAge is how old the metadata may be that the admin answers with.
	metadataAge = 10 * time.Millisecond
)

var codecs = map[string]kgo.CompressionCodec{
	"none":   kgo.NoCompression(),
	"gzip":   kgo.GzipCompression(),
	"snappy": kgo.SnappyCompression(),
	"lz4":    kgo.Lz4Compression(),
	"zstd":   kgo.ZstdCompression(),
}

var balancers = map[string]kgo.GroupBalancer{
	"range":              kgo.RangeBalancer(),
	"roundrobin":         kgo.RoundRobinBalancer(),
	"cooperative-sticky": kgo.CooperativeStickyBalancer(),
}

// options are those of all commands; each takes its own.
type options struct {
	Do          string            `json:"do"`
	Topic       string            `json:"topic"`
	Partition   int32             `json:"partition"`
	Partitions  int32             `json:"partitions"`
	Count       int               `json:"count"`
	Offset      int64             `json:"offset"`
	Offsets     map[int32]int64   `json:"offsets"`
	Metadata    string            `json:"metadata"`
	Values      []string          `json:"values"`
	Codec       string            `json:"codec"`
	Acks        int               `json:"acks"`
	Idempotent  bool              `json:"idempotent"`
	TimestampMs *int64            `json:"timestamp_ms"`
	Group       string            `json:"group"`
	Instance    *string           `json:"instance"`
	Assignor    *string           `json:"assignor"`
	Configs     map[string]string `json:"configs"`
	Name        string            `json:"name"`
	Value       string            `json:"value"`
}

// member is the consumer in a group that the program has joined as.
type member struct {
	client *kgo.Client
	topic  string

	mutex    sync.Mutex
	assigned map[int32]bool
}

type program struct {
	seeds  kgo.Opt
	admin  *kadm.Client
	member *member
}

type command func(context.Context, options) (any, error)

func main() {
	seeds := kgo.SeedBrokers(os.Args[1])
	client, err := kgo.NewClient(seeds, kgo.MetadataMinAge(metadataAge))
	if err != nil {
		panic(err)
	}
	program := &program{seeds: seeds, admin: kadm.NewClient(client)}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<26)
	for lines.Scan() {
		answer, err := json.Marshal(program.answerTo(lines.Bytes()))
		if err != nil {
			panic(err)
		}
		fmt.Println(string(answer))
	}
	program.leave(context.Background(), options{})
	client.Close()
}

func (p *program) answerTo(line []byte) map[string]any {
	var asked options
	if err := json.Unmarshal(line, &asked); err != nil {
		return map[string]any{"error": err.Error()}
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	answer, err := p.commands()[asked.Do](ctx, asked)
	var known *kerr.Error
	if errors.As(err, &known) {
		return map[string]any{"error": known.Message}
	}
	if err != nil {
		return map[string]any{"error": err.Error()}
	}
	return map[string]any{"answer": answer}
}

func (p *program) commands() map[string]command {
	return map[string]command{
		"produce":         p.produce,
		"read":            p.read,
		"join":            p.join,
		"poll":            p.poll,
		"commit":          p.commit,
		"seek_to_time":    p.seekToTime,
		"leave":           p.leave,
		"create_topic":    p.createTopic,
		"topics":          p.topics,
		"add_partitions":  p.addPartitions,
		"delete_topic":    p.deleteTopic,
		"config":          p.config,
		"set_config":      p.setConfig,
		"end_offsets":     p.endOffsets,
		"offsets_at_time": p.offsetsAtTime,
		"delete_records":  p.deleteRecords,
		"groups":          p.groups,
		"group_state":     p.groupState,
		"group_offsets":   p.groupOffsets,
		"delete_group":    p.deleteGroup,
		"cluster":         p.cluster,
	}
}

func acksOf(acks int) kgo.Acks {
	switch acks {
	case 0:
		return kgo.NoAck()
	case 1:
		return kgo.LeaderAck()
	default:
		return kgo.AllISRAcks()
	}
}

func (p *program) produce(ctx context.Context, o options) (any, error) {
	settings := []kgo.Opt{
		p.seeds,
		kgo.ProducerBatchCompression(codecs[o.Codec]),
		kgo.RequiredAcks(acksOf(o.Acks)),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.AllowAutoTopicCreation(),
	}
	if !o.Idempotent {
		settings = append(settings, kgo.DisableIdempotentWrite())
	}
	client, err := kgo.NewClient(settings...)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	var records []*kgo.Record
	for _, value := range o.Values {
		record := &kgo.Record{Topic: o.Topic, Partition: o.Partition, Key: []byte("key"), Value: []byte(value)}
		record.Headers = []kgo.RecordHeader{{Key: "from", Value: []byte("franz-go")}}
		if o.TimestampMs != nil {
			record.Timestamp = time.UnixMilli(*o.TimestampMs)
		}
		records = append(records, record)
	}
	first, err := client.ProduceSync(ctx, records...).First()
	if err != nil {
		return nil, err
	}
	if o.Acks == 0 {
		return -1, nil
	}
	return first.Offset, nil
}

func (p *program) read(ctx context.Context, o options) (any, error) {
	start := map[string]map[int32]kgo.Offset{o.Topic: {o.Partition: kgo.NewOffset().At(o.Offset)}}
	client, err := kgo.NewClient(p.seeds, kgo.ConsumePartitions(start))
	if err != nil {
		return nil, err
	}
	defer client.Close()
	values := []string{}
	for len(values) < o.Count && ctx.Err() == nil {
		client.PollFetches(ctx).EachRecord(func(record *kgo.Record) {
			values = append(values, string(record.Value))
		})
	}
	return values[:min(len(values), o.Count)], ctx.Err()
}

func (p *program) join(_ context.Context, o options) (any, error) {
	joined := &member{topic: o.Topic, assigned: map[int32]bool{}}
	settings := []kgo.Opt{
		p.seeds,
		kgo.ConsumerGroup(o.Group),
		kgo.ConsumeTopics(o.Topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.DisableAutoCommit(),
		kgo.HeartbeatInterval(heartbeat),
		kgo.SessionTimeout(session),
		kgo.OnPartitionsAssigned(joined.changes(true)),
		kgo.OnPartitionsRevoked(joined.changes(false)),
		kgo.OnPartitionsLost(joined.changes(false)),
	}
	if o.Instance != nil {
		settings = append(settings, kgo.InstanceID(*o.Instance))
	}
	if o.Assignor != nil {
		settings = append(settings, kgo.Balancers(balancers[*o.Assignor]))
	}
	client, err := kgo.NewClient(settings...)
	joined.client = client
	p.member = joined
	return nil, err
}

func (m *member) changes(isAssigned bool) func(context.Context, *kgo.Client, map[string][]int32) {
	return func(_ context.Context, _ *kgo.Client, changed map[string][]int32) {
		m.mutex.Lock()
		defer m.mutex.Unlock()
		for _, partition := range changed[m.topic] {
			if isAssigned {
				m.assigned[partition] = true
			} else {
				delete(m.assigned, partition)
			}
		}
	}
}

func (m *member) partitions() []int32 {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	partitions := []int32{}
	for partition := range m.assigned {
		partitions = append(partitions, partition)
	}
	return partitions
}

func (p *program) poll(ctx context.Context, _ options) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, poll)
	defer cancel()
	records := [][]any{}
	p.member.client.PollFetches(ctx).EachRecord(func(record *kgo.Record) {
		records = append(records, []any{record.Partition, record.Offset, string(record.Value)})
	})
	return map[string]any{"records": records, "assigned": p.member.partitions()}, nil
}

func (p *program) commit(ctx context.Context, o options) (any, error) {
	ctx = kgo.PreCommitFnContext(ctx, func(request *kmsg.OffsetCommitRequest) error {
		for _, topic := range request.Topics {
			for index := range topic.Partitions {
				topic.Partitions[index].Metadata = &o.Metadata
			}
		}
		return nil
	})
	offsets := map[int32]kgo.EpochOffset{}
	for partition, offset := range o.Offsets {
		offsets[partition] = kgo.EpochOffset{Epoch: -1, Offset: offset}
	}
	var refused error
	wanted := map[string]map[int32]kgo.EpochOffset{p.member.topic: offsets}
	p.member.client.CommitOffsetsSync(ctx, wanted,
		func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, response *kmsg.OffsetCommitResponse, err error) {
			refused = err
			if response == nil {
				return
			}
			for _, topic := range response.Topics {
				for _, partition := range topic.Partitions {
					refused = errors.Join(refused, kerr.ErrorForCode(partition.ErrorCode))
				}
			}
		})
	return nil, refused
}

func (p *program) seekToTime(ctx context.Context, o options) (any, error) {
	listed, err := p.admin.ListOffsetsAfterMilli(ctx, *o.TimestampMs, p.member.topic)
	if err != nil {
		return nil, err
	}
	offsets := map[int32]kgo.EpochOffset{}
	listed.Each(func(at kadm.ListedOffset) {
		offsets[at.Partition] = kgo.EpochOffset{Epoch: at.LeaderEpoch, Offset: at.Offset}
	})
	p.member.client.SetOffsets(map[string]map[int32]kgo.EpochOffset{p.member.topic: offsets})
	return foundIn(listed), listed.Error()
}

// foundIn leaves the offsets out that kadm gives in place of a record that is not there.
func foundIn(listed kadm.ListedOffsets) map[int32]*int64 {
	found := map[int32]*int64{}
	listed.Each(func(at kadm.ListedOffset) {
		found[at.Partition] = nil
		if at.Timestamp >= 0 {
			found[at.Partition] = &at.Offset
		}
	})
	return found
}

func (p *program) leave(context.Context, options) (any, error) {
	if p.member != nil {
		p.member.client.Close()
	}
	p.member = nil
	return nil, nil
}

func (p *program) createTopic(ctx context.Context, o options) (any, error) {
	configs := map[string]*string{}
	for name, value := range o.Configs {
		configs[name] = kadm.StringPtr(value)
	}
	_, err := p.admin.CreateTopic(ctx, o.Partitions, -1, configs, o.Topic)
	return nil, err
}

func (p *program) topics(ctx context.Context, _ options) (any, error) {
	listed, err := p.admin.ListTopics(ctx)
	partitions := map[string]int{}
	for name, topic := range listed {
		partitions[name] = len(topic.Partitions)
	}
	return partitions, err
}

func (p *program) addPartitions(ctx context.Context, o options) (any, error) {
	changed, err := p.admin.UpdatePartitions(ctx, o.Count, o.Topic)
	return nil, errors.Join(err, changed.Error())
}

func (p *program) deleteTopic(ctx context.Context, o options) (any, error) {
	_, err := p.admin.DeleteTopic(ctx, o.Topic)
	return nil, err
}

func (p *program) config(ctx context.Context, o options) (any, error) {
	described, err := p.admin.DescribeTopicConfigs(ctx, o.Topic)
	if err != nil {
		return nil, err
	}
	resource, err := described.On(o.Topic, nil)
	if err != nil {
		return nil, err
	}
	for _, config := range resource.Configs {
		if config.Key == o.Name {
			return config.Value, nil
		}
	}
	return nil, nil
}

func (p *program) setConfig(ctx context.Context, o options) (any, error) {
	change := []kadm.AlterConfig{{Op: kadm.SetConfig, Name: o.Name, Value: &o.Value}}
	changed, err := p.admin.AlterTopicConfigs(ctx, change, o.Topic)
	if err != nil {
		return nil, err
	}
	_, err = changed.On(o.Topic, func(answer *kadm.AlterConfigsResponse) error { return answer.Err })
	return nil, err
}

func (p *program) endOffsets(ctx context.Context, o options) (any, error) {
	listed, err := p.admin.ListEndOffsets(ctx, o.Topic)
	ends := map[int32]int64{}
	listed.Each(func(at kadm.ListedOffset) { ends[at.Partition] = at.Offset })
	return ends, err
}

func (p *program) offsetsAtTime(ctx context.Context, o options) (any, error) {
	listed, err := p.admin.ListOffsetsAfterMilli(ctx, *o.TimestampMs, o.Topic)
	return foundIn(listed), err
}

func (p *program) deleteRecords(ctx context.Context, o options) (any, error) {
	offsets := kadm.Offsets{}
	offsets.Add(kadm.Offset{Topic: o.Topic, Partition: o.Partition, At: o.Offset})
	deleted, err := p.admin.DeleteRecords(ctx, offsets)
	return nil, errors.Join(err, deleted.Error())
}

func (p *program) groups(ctx context.Context, _ options) (any, error) {
	listed, err := p.admin.ListGroups(ctx)
	return listed.Groups(), err
}

func (p *program) groupState(ctx context.Context, o options) (any, error) {
	described, err := p.admin.DescribeGroups(ctx, o.Group)
	return described[o.Group].State, err
}

func (p *program) groupOffsets(ctx context.Context, o options) (any, error) {
	committed, err := p.admin.FetchOffsets(ctx, o.Group)
	found := map[int32]int64{}
	for partition, at := range committed[o.Topic] {
		found[partition] = at.At
	}
	return found, err
}

func (p *program) deleteGroup(ctx context.Context, o options) (any, error) {
	deleted, err := p.admin.DeleteGroup(ctx, o.Group)
	return nil, errors.Join(err, deleted.Err)
}

func (p *program) cluster(ctx context.Context, _ options) (any, error) {
	about, err := p.admin.BrokerMetadata(ctx)
	return map[string]any{"id": about.Cluster, "nodes": about.Brokers.NodeIDs()}, err
}
