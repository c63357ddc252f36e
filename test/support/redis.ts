/**
 * Redis as Debian packages it, on a free port of the loopback interface. Without the package, `hasRedis`
 * is false and tests skip.
 */
import { existsSync, mkdtempSync } from "node:fs"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { delimiter, join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { Redis } from "ioredis"
import { findPort, launch, readPid, stopServer } from "./server.js"

const binary = (process.env["PATH"] ?? "")
  .split(delimiter)
  .map((folder) => join(folder, "redis-server"))
  .find((file) => existsSync(file))

export const hasRedis = binary !== undefined

if (!hasRedis) console.warn("redis-server is not in the PATH: its tests are skipped")

export interface RedisServer {
  readonly port: number
  readonly url: string
  readonly pid: () => number
  /** Starts it again, on the same port and with its data. */
  readonly start: () => Promise<void>
  /** Kills it, as a crash does. */
  readonly kill: () => Promise<void>
}

let shared: Promise<RedisServer> | undefined
let sharedCluster: Promise<ReadonlyArray<RedisServer>> | undefined

/** The server of this process. Tests use prefixes of their own. */
export function getRedis(): Promise<RedisServer> {
  shared ??= startRedis()
  return shared
}

/** The cluster of this process. */
export function getCluster(): Promise<ReadonlyArray<RedisServer>> {
  sharedCluster ??= startCluster(2)
  return sharedCluster
}

/** Nodes that divide the keys equally. */
export async function startCluster(size: number): Promise<ReadonlyArray<RedisServer>> {
  const slots = 16_384
  const nodes: Array<RedisServer> = []
  for (let index = 0; index < size; index += 1) {
    const node = await startRedis([
      "--cluster-enabled",
      "yes",
      "--cluster-port",
      String(await findPort()),
    ])
    nodes.push(node)
    const client = new Redis(node.url)
    const [from, to] = [index, index + 1].map((part) => Math.floor((slots * part) / size))
    await client.call("CLUSTER", "ADDSLOTSRANGE", `${from}`, `${to! - 1}`)
    // Two nodes of the same configuration epoch agree on a new one only after some time.
    await client.call("CLUSTER", "SET-CONFIG-EPOCH", `${index + 1}`)
    const [first] = nodes
    if (first !== node) {
      const { port } = first!
      await client.call("CLUSTER", "MEET", "127.0.0.1", `${port}`, await busPortOf(first!))
    }
    client.disconnect()
  }
  for (const { url } of nodes) {
    const client = new Redis(url)
    while (!(await client.cluster("INFO")).includes("cluster_state:ok")) await delay(20)
    client.disconnect()
  }
  return nodes
}

/**
 * A server of its own, with further options such as `--requirepass`. It has written each command before it
 * replies, so that to kill it loses nothing: with `everysec` it puts writes off while it waits for the disk.
 */
export async function startRedis(options: ReadonlyArray<string> = []): Promise<RedisServer> {
  if (binary === undefined) throw new Error("redis-server is not in the PATH")
  const folder = mkdtempSync(join(tmpdir(), "effect-discord-redis-"))
  const port = await findPort()
  const log = ["--appendonly", "yes", "--appendfsync", "no", "--save", ""]
  const place = ["--dir", folder, "--bind", "127.0.0.1", "--port", String(port)]
  const command = [binary, ...place, ...log, ...options]
  const isReady = () => accepts(port)
  const start = () => launch({ folder, command, signal: "KILL", isReady })
  await start()
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    pid: () => readPid(folder),
    start,
    kill: () => stopServer(folder, "SIGKILL"),
  }
}

async function busPortOf({ url }: RedisServer): Promise<string> {
  const client = new Redis(url)
  const [, port = ""] = (await client.config("GET", "cluster-port")) as ReadonlyArray<string>
  client.disconnect()
  return port
}

/** A server that wants a password is ready, too. */
function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write("PING\r\n"))
    socket.once("data", (data) => {
      socket.destroy()
      resolve(/^(\+PONG|-NOAUTH)/.test(data.toString()))
    })
    socket.once("error", () => resolve(false))
  })
}
