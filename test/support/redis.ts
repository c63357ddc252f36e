/**
 * Redis as Debian packages it, on a free port of the loopback interface, in a scratch folder. A server
 * ends with the process that started it, however that process ends. Without the package, `hasRedis` is
 * false and tests skip.
 */
import { spawn } from "node:child_process"
import { existsSync, mkdtempSync, readFileSync } from "node:fs"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { delimiter, join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { findPort } from "./postgres.js"

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

/** A server of its own, with further options such as `--requirepass`. */
export async function startRedis(options: ReadonlyArray<string> = []): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), "effect-discord-redis-"))
  const port = await findPort()
  const pidFile = join(folder, "redis.pid")
  const start = () => launch(folder, port, options)
  const pid = () => Number(readFileSync(pidFile, "utf8"))
  await start()
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    pid,
    start,
    stop: async (how) => {
      const id = pid()
      if (!isAlive(id)) return
      process.kill(id, how === "save" ? "SIGTERM" : "SIGKILL")
      while (isAlive(id)) await delay(10)
    },
  }
}

const script = `
  "$1" --dir "$2" --port "$3" --pidfile "$2/redis.pid" --bind 127.0.0.1 --appendonly yes \\
    --appendfsync everysec --save "" "\${@:4}" >"$2/log" 2>&1 </dev/null &
  server=$!
  echo $server >"$2/redis.pid"
  cat >/dev/null
  kill -KILL $server 2>/dev/null
  wait $server
  rm -rf "$2"
`

async function launch(folder: string, port: number, options: ReadonlyArray<string>): Promise<void> {
  if (binary === undefined) throw new Error("redis-server is not in the PATH")
  const child = spawn("bash", ["-c", script, "bash", binary, folder, String(port), ...options], {
    // Ctrl-C in the terminal is for the tests.
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  })
  child.unref()
  // The pipe stays open until this process ends.
  ;(child.stdin as unknown as { readonly unref: () => void }).unref()
  while (!(await isReady(port))) {
    if (child.exitCode !== null)
      throw new Error(`Redis ended: ${readFileSync(join(folder, "log"), "utf8")}`)
    await delay(20)
  }
}

/** A server that wants a password is ready, too. */
function isReady(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write("PING\r\n"))
    socket.once("data", (data) => {
      socket.destroy()
      resolve(/^(\+PONG|-NOAUTH)/.test(data.toString()))
    })
    socket.once("error", () => resolve(false))
  })
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ")
  } catch {
    return false
  }
}
