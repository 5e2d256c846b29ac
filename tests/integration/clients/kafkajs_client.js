// kafkajs as a program that does what it is told: see tests/kafka_programs.py for the commands.
//
//     NODE_PATH=.../node_modules node kafkajs_client.js 127.0.0.1:9999

const readline = require('readline')
const { Kafka, CompressionCodecs, CompressionTypes, ConfigResourceTypes, logLevel } = require('kafkajs')
const LZ4 = require('kafkajs-lz4')
const snappy = require('kafkajs-snappy')

CompressionCodecs[CompressionTypes.Snappy] = snappy
CompressionCodecs[CompressionTypes.LZ4] = new LZ4().codec

const CODECS = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4,
}
const POLL_MS = 100
const HEARTBEAT_MS = 100
const SESSION_MS = 6000

const kafka = new Kafka({ brokers: [process.argv[2]], logLevel: logLevel.NOTHING })
const admin = kafka.admin()
const member = { consumer: null, group: null, topic: null, assigned: [], records: [] }

const numbered = entries => Object.fromEntries(entries.map(([key, value]) => [key, Number(value)]))
const pause = () => new Promise(resolve => setTimeout(resolve, POLL_MS))

// A consumer of kafkajs reads for as long as it runs; what came in the meantime is handed out by poll.
const consume = async (groupId, topic, assigned, records) => {
  const consumer = kafka.consumer({
    groupId,
    heartbeatInterval: HEARTBEAT_MS,
    sessionTimeout: SESSION_MS,
    maxWaitTimeInMs: POLL_MS,
    retry: { initialRetryTime: 100, retries: 20, maxRetryTime: 500 },
  })
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => assigned(payload.memberAssignment[topic] || []))
  consumer.on(consumer.events.REBALANCING, () => assigned([]))
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ partition, message }) => {
      records.push([partition, Number(message.offset), message.value && message.value.toString()])
    },
  })
  return consumer
}

const endOffsets = async topic => {
  const offsets = await admin.fetchTopicOffsets(topic)
  return Object.fromEntries(offsets.map(({ partition, high }) => [partition, Number(high)]))
}

// kafkajs answers with the end of the log where there is no such record.
const offsetsAtTime = async ({ topic, timestamp_ms }) => {
  const ends = await endOffsets(topic)
  const found = await admin.fetchTopicOffsetsByTimestamp(topic, timestamp_ms)
  return Object.fromEntries(
    found.map(({ partition, offset }) => [partition, Number(offset) === ends[partition] ? null : Number(offset)])
  )
}

const groupOffsets = async ({ group, topic }) => {
  const [{ partitions }] = await admin.fetchOffsets({ groupId: group, topics: [topic] })
  const committed = partitions.filter(({ offset }) => Number(offset) >= 0)
  return numbered(committed.map(({ partition, offset }) => [partition, offset]))
}

const topicResource = topic => ({ type: ConfigResourceTypes.TOPIC, name: topic })

const COMMANDS = {
  produce: async ({ topic, partition, values, codec, acks, idempotent, timestamp_ms }) => {
    const producer = kafka.producer({ idempotent })
    await producer.connect()
    const messages = values.map(value => ({
      key: 'key',
      value,
      partition,
      headers: { from: 'kafkajs' },
      ...(timestamp_ms === null ? {} : { timestamp: String(timestamp_ms) }),
    }))
    const sent = await producer.send({ topic, messages, acks, compression: CODECS[codec] })
    await producer.disconnect()
    return acks === 0 ? -1 : Number(sent[0].baseOffset)
  },
  read: async ({ topic, partition, offset, count }) => {
    const records = []
    const consumer = await consume(`reader-${process.pid}-${topic}`, topic, () => {}, records)
    consumer.seek({ topic, partition, offset: String(offset) })
    const isWanted = record => record[0] === partition && record[1] >= offset
    while (records.filter(isWanted).length < count) await pause()
    await consumer.disconnect()
    return records.filter(isWanted).slice(0, count).map(record => record[2])
  },

  join: async ({ group, topic }) => {
    const assigned = partitions => (member.assigned = partitions)
    Object.assign(member, { group, topic, records: [] })
    member.consumer = await consume(group, topic, assigned, member.records)
  },
  poll: async () => {
    if (member.records.length === 0) await pause()
    return { records: member.records.splice(0), assigned: member.assigned }
  },
  commit: async ({ offsets, metadata }) => {
    const places = Object.entries(offsets).map(([partition, offset]) => ({
      topic: member.topic,
      partition: Number(partition),
      offset: String(offset),
      metadata,
    }))
    await member.consumer.commitOffsets(places)
  },
  seek_to_time: async ({ timestamp_ms }) => {
    const found = await offsetsAtTime({ topic: member.topic, timestamp_ms })
    const ends = await endOffsets(member.topic)
    for (const [partition, offset] of Object.entries(found)) {
      const place = String(offset === null ? ends[partition] : offset)
      member.consumer.seek({ topic: member.topic, partition: Number(partition), offset: place })
    }
    return found
  },
  leave: async () => {
    if (member.consumer !== null) await member.consumer.disconnect()
    member.consumer = null
  },

  create_topic: async ({ topic, partitions, configs }) => {
    const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }))
    await admin.createTopics({ topics: [{ topic, numPartitions: partitions, configEntries }] })
  },
  topics: async () => {
    const { topics } = await admin.fetchTopicMetadata()
    return Object.fromEntries(topics.map(({ name, partitions }) => [name, partitions.length]))
  },
  add_partitions: ({ topic, count }) => admin.createPartitions({ topicPartitions: [{ topic, count }] }),
  delete_topic: ({ topic }) => admin.deleteTopics({ topics: [topic] }),
  config: async ({ topic, name }) => {
    const { resources } = await admin.describeConfigs({ resources: [topicResource(topic)] })
    return resources[0].configEntries.find(({ configName }) => configName === name).configValue
  },
  set_config: async ({ topic, name, value }) => {
    const configEntries = [{ name, value }]
    await admin.alterConfigs({ resources: [{ ...topicResource(topic), configEntries }] })
  },
  end_offsets: ({ topic }) => endOffsets(topic),
  offsets_at_time: offsetsAtTime,
  delete_records: async ({ topic, partition, offset }) => {
    await admin.fetchTopicOffsets(topic) // kafkajs deletes from topics that its admin has asked about before
    await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(offset) }] })
  },
  groups: async () => (await admin.listGroups()).groups.map(({ groupId }) => groupId),
  group_state: async ({ group }) => (await admin.describeGroups([group])).groups[0].state,
  group_offsets: groupOffsets,
  delete_group: ({ group }) => admin.deleteGroups([group]),
  cluster: async () => {
    const { clusterId, brokers } = await admin.describeCluster()
    return { id: clusterId, nodes: brokers.map(({ nodeId }) => nodeId) }
  },
}

// What went wrong of many is said one level down.
const nameOf = error => (error.errors ? error.errors[0].type : error.type) || error.message

const answerTo = async ({ do: command, ...options }) => {
  try {
    const answer = await COMMANDS[command](options)
    return { answer: answer === undefined ? null : answer }
  } catch (error) {
    return { error: (error.groups && error.groups[0].error && error.groups[0].error.type) || nameOf(error) }
  }
}

const main = async () => {
  await admin.connect()
  for await (const line of readline.createInterface({ input: process.stdin })) {
    process.stdout.write(JSON.stringify(await answerTo(JSON.parse(line))) + '\n')
  }
  await COMMANDS.leave()
  await admin.disconnect()
}

main()
