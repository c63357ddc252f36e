/** What errors of Redis mean. */
import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { fromRedis } from "../../src/redis/ioredis.js"

const inScript = "ERR Error running script (call to f_5e5c31219c): @user_script:66:"

it.effect.each([
  ["READONLY You can't write against a read only replica.", "unavailable"],
  // Redis 6.
  [`${inScript} @user_script: 66: -READONLY You can't write against a replica.`, "unavailable"],
  [`${inScript} @user_script: 66: -OOM command not allowed: used memory > max.`, "unavailable"],
  [`${inScript} WRONGTYPE Operation against a key holding the wrong value`, "rejected"],
  ["LOADING Redis is loading the dataset in memory", "unavailable"],
  ["CLUSTERDOWN Hash slot not served", "unavailable"],
  ["NOPERM this user has no permissions to run the 'evalsha' command", "denied"],
  ["ERR unknown command 'EVALSHA'", "rejected"],
  ["MOVED 10779 127.0.0.1:7102", "rejected"],
])("%s", ([message, reason]) =>
  Effect.gen(function* () {
    const reply = Object.assign(new Error(message), { name: "ReplyError" })
    const { eval: run } = fromRedis({ evalsha: () => Promise.reject(reply) } as never)
    const result = yield* Effect.either(run("return 1", [], []))
    expect(result).toMatchObject({ left: { reason, detail: message } })
  }),
)
