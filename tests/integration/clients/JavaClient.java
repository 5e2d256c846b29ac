import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.TreeMap;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.OffsetAndTimestamp;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Kafka's own client as a program that does what it is told: see tests/kafka_programs.py for the commands.
 *
 * <p>java -cp ".:$QUEKKA_KAFKA_JARS/*" JavaClient 127.0.0.1:9999
 */
public final class JavaClient {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration POLL = Duration.ofMillis(100);

    /** What a command does with its options. */
    private interface Command {
        Object run(JsonNode options) throws Exception;
    }

    private final String address;
    private final Admin admin;
    private final Map<String, Command> commands = new HashMap<>();
    private KafkaConsumer<String, String> consumer;
    private String topic;

    private JavaClient(String address) {
        this.address = address;
        this.admin = Admin.create(settings());
        commands.put("produce", this::produce);
        commands.put("read", this::read);
        commands.put("join", this::join);
        commands.put("poll", this::poll);
        commands.put("commit", this::commit);
        commands.put("seek_to_time", this::seekToTime);
        commands.put("leave", this::leave);
        commands.put("create_topic", this::createTopic);
        commands.put("topics", this::topics);
        commands.put("add_partitions", this::addPartitions);
        commands.put("delete_topic", o -> admin.deleteTopics(List.of(topicOf(o))).all().get());
        commands.put("config", this::config);
        commands.put("set_config", this::setConfig);
        commands.put("end_offsets", o -> offsets(topicOf(o), OffsetSpec.latest()));
        commands.put("offsets_at_time", this::offsetsAtTime);
        commands.put("delete_records", this::deleteRecords);
        commands.put("groups", this::groups);
        commands.put("group_state", this::groupState);
        commands.put("group_offsets", this::groupOffsets);
        commands.put("delete_group", o -> admin.deleteConsumerGroups(List.of(groupOf(o))).all().get());
        commands.put("cluster", this::cluster);
    }

    public static void main(String[] arguments) throws Exception {
        JavaClient client = new JavaClient(arguments[0]);
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            System.out.println(JSON.writeValueAsString(client.answerTo(JSON.readTree(line))));
        }
        client.leave(null);
        client.admin.close();
    }

    private Map<String, Object> answerTo(JsonNode command) {
        Map<String, Object> answer = new HashMap<>();
        try {
            answer.put("answer", commands.get(command.get("do").asText()).run(command));
        } catch (Exception error) {
            Throwable cause = error.getCause() == null ? error : error.getCause();
            answer.put("error", cause.getClass().getSimpleName());
        }
        return answer;
    }

    private Properties settings() {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", address);
        return settings;
    }

    private KafkaConsumer<String, String> newConsumer(Properties more) {
        Properties settings = settings();
        settings.put("auto.offset.reset", "earliest");
        settings.put("enable.auto.commit", "false");
        settings.putAll(more);
        return new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer());
    }

    private static String topicOf(JsonNode options) {
        return options.get("topic").asText();
    }

    private static String groupOf(JsonNode options) {
        return options.get("group").asText();
    }

    private static TopicPartition placeOf(JsonNode options) {
        return new TopicPartition(topicOf(options), options.get("partition").asInt());
    }

    private Object produce(JsonNode options) throws Exception {
        Properties settings = settings();
        int acks = options.get("acks").asInt();
        settings.put("acks", Integer.toString(acks));
        settings.put("compression.type", options.get("codec").asText());
        settings.put("enable.idempotence", options.get("idempotent").asText());
        settings.put("linger.ms", "20");
        JsonNode timestamp = options.get("timestamp_ms");
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        try (KafkaProducer<String, String> producer =
                new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
            for (JsonNode value : options.get("values")) {
                ProducerRecord<String, String> record = new ProducerRecord<>(
                        topicOf(options), options.get("partition").asInt(),
                        timestamp.isNull() ? null : timestamp.asLong(), "key", value.asText());
                record.headers().add("from", "java".getBytes(StandardCharsets.UTF_8));
                sent.add(producer.send(record));
            }
        }
        long first = sent.get(0).get().offset();
        for (Future<RecordMetadata> one : sent) {
            one.get();
        }
        return first;
    }

    private Object read(JsonNode options) {
        int count = options.get("count").asInt();
        List<String> values = new ArrayList<>();
        try (KafkaConsumer<String, String> reader = newConsumer(new Properties())) {
            reader.assign(List.of(placeOf(options)));
            reader.seek(placeOf(options), options.get("offset").asLong());
            while (values.size() < count) {
                reader.poll(POLL).forEach(record -> values.add(record.value()));
            }
        }
        return values.subList(0, count);
    }

    private Object join(JsonNode options) {
        Properties settings = new Properties();
        settings.put("group.id", groupOf(options));
        settings.put("heartbeat.interval.ms", "100");
        settings.put("session.timeout.ms", "6000");
        settings.put("reconnect.backoff.max.ms", "200");
        if (!options.get("instance").isNull()) {
            settings.put("group.instance.id", options.get("instance").asText());
        }
        if (!options.get("assignor").isNull()) {
            String assignor = "org.apache.kafka.clients.consumer." + options.get("assignor").asText();
            settings.put("partition.assignment.strategy", assignor);
        }
        topic = topicOf(options);
        consumer = newConsumer(settings);
        consumer.subscribe(List.of(topic));
        return null;
    }

    private Object poll(JsonNode options) {
        List<Object> records = new ArrayList<>();
        for (ConsumerRecord<String, String> record : consumer.poll(POLL)) {
            records.add(List.of(record.partition(), record.offset(), record.value()));
        }
        List<Integer> assigned = consumer.assignment().stream().map(TopicPartition::partition).toList();
        return Map.of("records", records, "assigned", assigned);
    }

    private Object commit(JsonNode options) {
        Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
        options.get("offsets").fields().forEachRemaining(entry -> offsets.put(
                new TopicPartition(topic, Integer.parseInt(entry.getKey())),
                new OffsetAndMetadata(entry.getValue().asLong(), options.get("metadata").asText())));
        consumer.commitSync(offsets);
        return null;
    }

    private Object seekToTime(JsonNode options) {
        Map<TopicPartition, Long> asked = new HashMap<>();
        consumer.assignment().forEach(place -> asked.put(place, options.get("timestamp_ms").asLong()));
        Map<Integer, Long> found = new TreeMap<>();
        for (Map.Entry<TopicPartition, OffsetAndTimestamp> entry : consumer.offsetsForTimes(asked).entrySet()) {
            TopicPartition place = entry.getKey();
            if (entry.getValue() == null) {
                consumer.seekToEnd(List.of(place));
                found.put(place.partition(), null);
            } else {
                consumer.seek(place, entry.getValue().offset());
                found.put(place.partition(), entry.getValue().offset());
            }
        }
        return found;
    }

    private Object leave(JsonNode options) {
        if (consumer != null) {
            consumer.close();
        }
        consumer = null;
        return null;
    }

    private Object createTopic(JsonNode options) throws Exception {
        Map<String, String> configs = new HashMap<>();
        options.get("configs").fields().forEachRemaining(e -> configs.put(e.getKey(), e.getValue().asText()));
        NewTopic wanted = new NewTopic(
                topicOf(options), Optional.of(options.get("partitions").asInt()), Optional.empty());
        return admin.createTopics(List.of(wanted.configs(configs))).all().get();
    }

    private Object topics(JsonNode options) throws Exception {
        Map<String, Integer> partitions = new TreeMap<>();
        admin.describeTopics(admin.listTopics().names().get()).allTopicNames().get()
                .forEach((name, about) -> partitions.put(name, about.partitions().size()));
        return partitions;
    }

    private Object addPartitions(JsonNode options) throws Exception {
        NewPartitions wanted = NewPartitions.increaseTo(options.get("count").asInt());
        return admin.createPartitions(Map.of(topicOf(options), wanted)).all().get();
    }

    private static ConfigResource resourceOf(JsonNode options) {
        return new ConfigResource(ConfigResource.Type.TOPIC, topicOf(options));
    }

    private Object config(JsonNode options) throws Exception {
        ConfigResource resource = resourceOf(options);
        return admin.describeConfigs(List.of(resource)).all().get().get(resource)
                .get(options.get("name").asText()).value();
    }

    private Object setConfig(JsonNode options) throws Exception {
        ConfigEntry entry = new ConfigEntry(options.get("name").asText(), options.get("value").asText());
        AlterConfigOp change = new AlterConfigOp(entry, AlterConfigOp.OpType.SET);
        return admin.incrementalAlterConfigs(Map.of(resourceOf(options), List.of(change))).all().get();
    }

    private Map<Integer, Long> offsets(String name, OffsetSpec spec) throws Exception {
        Map<TopicPartition, OffsetSpec> asked = new HashMap<>();
        admin.describeTopics(List.of(name)).allTopicNames().get().get(name).partitions()
                .forEach(about -> asked.put(new TopicPartition(name, about.partition()), spec));
        Map<Integer, Long> found = new TreeMap<>();
        admin.listOffsets(asked).all().get()
                .forEach((place, at) -> found.put(place.partition(), at.offset() < 0 ? null : at.offset()));
        return found;
    }

    private Object offsetsAtTime(JsonNode options) throws Exception {
        return offsets(topicOf(options), OffsetSpec.forTimestamp(options.get("timestamp_ms").asLong()));
    }

    private Object deleteRecords(JsonNode options) throws Exception {
        RecordsToDelete wanted = RecordsToDelete.beforeOffset(options.get("offset").asLong());
        return admin.deleteRecords(Map.of(placeOf(options), wanted)).all().get();
    }

    private Object groups(JsonNode options) throws Exception {
        return admin.listConsumerGroups().all().get().stream().map(group -> group.groupId()).toList();
    }

    private Object groupState(JsonNode options) throws Exception {
        String group = groupOf(options);
        return admin.describeConsumerGroups(List.of(group)).all().get().get(group).state().toString();
    }

    private Object groupOffsets(JsonNode options) throws Exception {
        Map<Integer, Long> found = new TreeMap<>();
        admin.listConsumerGroupOffsets(groupOf(options)).partitionsToOffsetAndMetadata().get()
                .forEach((place, committed) -> {
                    if (place.topic().equals(topicOf(options)) && committed != null) {
                        found.put(place.partition(), committed.offset());
                    }
                });
        return found;
    }

    private Object cluster(JsonNode options) throws Exception {
        List<Integer> nodes = admin.describeCluster().nodes().get().stream().map(Node::id).toList();
        return Map.of("id", admin.describeCluster().clusterId().get(), "nodes", nodes);
    }
}
