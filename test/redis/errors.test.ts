/** What errors of Redis mean. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { toConnectionError, toFirstError, toRedisError } from "../../src/redis/describeError.js"
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

const replyError = (message: string) => Object.assign(new Error(message), { name: "ReplyError" })

const notRedis =
  "what responds at the address is not Redis; check host and port, for example that it is not an HTTP server"

describe("the words of `ioredis`", () => {
  it.each([
    [
      "Stream isn't writeable and enableOfflineQueue options is false",
      "unavailable",
      "there is no connection",
    ],
    [
      'Reached the max retries per request limit (which is 0). Refer to "maxRetriesPerRequest" option for details.',
      "unavailable",
      "the connection was lost before the response",
    ],
    [
      "Command aborted due to connection close",
      "unavailable",
      "the connection was lost before the response",
    ],
    ["Connection is closed.", "unavailable", "the connection is closed"],
    ["read ECONNRESET", "unavailable", "the server closed the connection (read ECONNRESET)"],
    ["None of startup nodes is available", "unavailable", "no node of the cluster can be reached"],
    [
      "Socket timeout. Expecting data, but didn't receive any in 5000ms.",
      "unavailable",
      "there was no response within 5000 ms",
    ],
    [
      "connect ETIMEDOUT",
      "unavailable",
      "there was no connection in time; check host, port and firewall, and with rediss:// that the server has TLS at this port",
    ],
    // Version 5, and version 6.
    ['Protocol error, got "\n" as reply type byte. Please report this.', "invalid", notRedis],
    ['Unknown RESP type 72 "H"', "invalid", notRedis],
    ["connect ECONNREFUSED 127.0.0.1:1", "unavailable", "connect ECONNREFUSED 127.0.0.1:1"],
  ])("%s", (message, reason, detail) => {
    expect(toRedisError(new Error(message))).toMatchObject({ reason, detail })
  })
})

describe("a connection that is lost", () => {
  const lost = new Error("Stream isn't writeable and enableOfflineQueue options is false")

  it("is explained by what fails since then", () => {
    const problem = replyError("WRONGPASS invalid username-password pair or user is disabled.")
    expect(toRedisError(lost, problem)).toMatchObject({
      reason: "denied",
      detail:
        "it rejects the user or the password of the address (WRONGPASS invalid username-password pair or user is disabled.)",
    })
  })

  it("does not explain what Redis replies to a command", () => {
    const error = toRedisError(replyError("WRONGTYPE Operation"), new Error("read ECONNRESET"))
    expect(error).toMatchObject({ reason: "rejected", detail: "WRONGTYPE Operation" })
  })

  it("concerns all commands, whatever the reply is", () => {
    const error = toRedisError(lost, replyError("ERR max number of clients reached"))
    expect(error).toMatchObject({
      reason: "unavailable",
      detail: "ERR max number of clients reached",
    })
  })

  it("at the start may be that of another server", () => {
    expect(toFirstError(new Error("write EPIPE"))).toMatchObject({
      reason: "unavailable",
      detail: expect.stringContaining("rediss://host") as string,
    })
  })

  it("names each address of a host, and the node of a cluster", () => {
    const refused = [1, 2].map((port) => new Error(`connect ECONNREFUSED 127.0.0.1:${port}`))
    expect(toConnectionError(new AggregateError(refused)).detail).toBe(
      "connect ECONNREFUSED 127.0.0.1:1, connect ECONNREFUSED 127.0.0.1:2",
    )
    const failed = Object.assign(new Error("Failed to refresh slots cache."), {
      lastNodeError: refused[0],
    })
    expect(toConnectionError(failed).detail).toBe("connect ECONNREFUSED 127.0.0.1:1")
  })

  it("never shows the arguments of `AUTH`", () => {
    const error = Object.assign(replyError("ERR invalid password"), {
      command: { name: "auth", args: ["secret"] },
    })
    expect(JSON.stringify(toFirstError(error))).not.toContain("secret")
    expect(toFirstError(error)).toMatchObject({ reason: "denied" })
  })
})
