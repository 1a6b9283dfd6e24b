// Reads a terminal with one of the libraries: node read_zkteco.js LIBRARY tcp|udp PORT
// The last line that it prints is what it found, as JSON. Without errors being ours to handle, it ends with theirs.
const [library, transport, port] = process.argv.slice(2)
const Client = require(library)

async function read() {
  const client = new Client('127.0.0.1', Number(port), 15000, 0)
  if (transport === 'udp') {
    const line = client.zklibUdp || client.zudp
    await line.createSocket()
    await line.connect()
    client.connectionType = 'udp'
  } else {
    await client.createSocket()
  }
  const info = await client.getInfo()
  const users = await client.getUsers()
  const log = await client.getAttendances()
  await client.disconnect()
  return {
    counts: [info.userCounts, info.logCounts, info.logCapacity],
    users: users.data.map((user) => String(user.userId)),
    log: log.data.map((record) => [
      String(record.deviceUserId ?? record.user_id),
      new Date(record.recordTime ?? record.record_time).toISOString(),
    ]),
  }
}

read().then(
  (found) => {
    console.log(JSON.stringify(found))
    process.exit(0)
  },
  (error) => {
    console.error(error)
    process.exit(1)
  },
)
