/**
 * Redis, on a free port of the loopback interface, in a scratch folder. It ends with the process that started
 * it, however that process ends: a shell waits for the end of its input.
 */
import { spawn } from "node:child_process"
import { existsSync, mkdtempSync } from "node:fs"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { findPort } from "../../test/support/postgres.js"

const binary = "/usr/bin/redis-server"

export const hasRedis = existsSync(binary)

export interface Redis {
  readonly port: number
  readonly pid: number
}

/** As its documentation recommends for durability: a crash of the machine loses the last second. */
const script = `
  "$1" --bind 127.0.0.1 --port "$2" --dir "$3" --save "" --appendonly yes --appendfsync everysec \\
    --maxmemory-policy noeviction >"$3/log" 2>&1 </dev/null &
  server=$!
  echo $server
  cat >/dev/null
  kill $server 2>/dev/null
  wait $server
  rm -rf "$3"
`

export async function startRedis(): Promise<Redis> {
  const folder = mkdtempSync(join(tmpdir(), "effect-discord-redis-"))
  const port = await findPort()
  const child = spawn("sh", ["-c", script, "sh", binary, String(port), folder], {
    detached: true,
    stdio: ["pipe", "pipe", "ignore"],
  })
  const pid = await new Promise<number>((resolve) => {
    child.stdout.once("data", (line) => resolve(Number(String(line))))
  })
  child.unref()
  for (const pipe of [child.stdin, child.stdout]) {
    // The pipe stays open until this process ends.
    ;(pipe as unknown as { readonly unref: () => void }).unref()
  }
  while (!(await accepts(port))) {
    if (child.exitCode !== null) throw new Error(`${binary} ended: see ${folder}/log`)
    await sleep(20)
  }
  return { port, pid }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1")
    socket.once("connect", () => {
      socket.destroy()
      resolve(true)
    })
    socket.once("error", () => resolve(false))
  })
}
