/**
 * Redis as Debian packages it, on a free port of the loopback interface. Without the package, `hasRedis`
 * is false and tests skip.
 */
import { existsSync, mkdtempSync } from "node:fs"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { delimiter, join } from "node:path"
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
  /** Starts it again, on the same port and with the data that it has saved. */
  readonly start: () => Promise<void>
  /** `save` writes the data; `kill` is a crash, which loses up to the last second of the log. */
  readonly stop: (how: "save" | "kill") => Promise<void>
}

let shared: Promise<RedisServer> | undefined

/** The server of this process. Tests use prefixes of their own. */
export function getRedis(): Promise<RedisServer> {
  shared ??= startRedis()
  return shared
}

/**
 * A server of its own, with further options such as `--requirepass`. A crash of the machine loses the last
 * second.
 */
export async function startRedis(options: ReadonlyArray<string> = []): Promise<RedisServer> {
  if (binary === undefined) throw new Error("redis-server is not in the PATH")
  const folder = mkdtempSync(join(tmpdir(), "effect-discord-redis-"))
  const port = await findPort()
  const log = ["--appendonly", "yes", "--appendfsync", "everysec", "--save", ""]
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
    stop: (how) => stopServer(folder, how === "save" ? "SIGTERM" : "SIGKILL"),
  }
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
