/** What errors of Redis and of `ioredis` mean, in words for a reader who knows neither. */
import * as Predicate from "effect/Predicate"
import { DiscordRedisError, type Reason } from "./RedisError.js"

interface Known {
  /** Of what the server or the client reports. */
  readonly pattern: RegExp
  readonly reason: Reason
  /** Replaces what was reported, for which `$&` stands. */
  readonly text?: string
  /** Whether it states only that there is no connection, and not why. */
  readonly isLost?: boolean
}

/** Errors that concern more than one command. */
const known: ReadonlyArray<Known> = [
  {
    pattern: /^NOAUTH .*/,
    reason: "denied",
    text: "it requires a password, and none was given; an address with a password is redis://:password@host ($&)",
  },
  {
    pattern: /^(?:WRONGPASS|ERR invalid password).*/,
    reason: "denied",
    text: "it rejects the user or the password of the address ($&)",
  },
  { pattern: /^(?:ERR Error running script .*: -?)?NOPERM /, reason: "denied" },
  {
    // Before version 7, the error in a script comes after where it occurred.
    pattern:
      /^(?:ERR Error running script .*: -?)?(?:LOADING|OOM|MISCONF|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|BUSY) /,
    reason: "unavailable",
  },
  {
    pattern: /^(?:Stream isn't writeable|Cluster isn't ready) and enableOfflineQueue.*/,
    reason: "unavailable",
    text: "there is no connection",
    isLost: true,
  },
  {
    pattern: /^(?:Reached the max retries per request|Command aborted due to connection close).*/,
    reason: "unavailable",
    text: "the connection was lost before the response",
    isLost: true,
  },
  {
    pattern: /^(?:Connection is closed|Cluster is disconnect(?:ed|ing))\.$/,
    reason: "unavailable",
    text: "the connection is closed",
    isLost: true,
  },
  {
    pattern: /^(?:read|write) (?:EPIPE|ECONNRESET)$/,
    reason: "unavailable",
    text: "the server closed the connection ($&)",
    isLost: true,
  },
  {
    pattern: /^(?:None of startup nodes is available|Failed to refresh slots cache\.)$/,
    reason: "unavailable",
    text: "no node of the cluster can be reached",
    isLost: true,
  },
  {
    pattern: /^Socket timeout\D*(\d+)ms\.$/,
    reason: "unavailable",
    text: "there was no response within $1 ms",
  },
  {
    pattern: /^connect ETIMEDOUT$/,
    reason: "unavailable",
    text: "there was no connection in time; check host, port and firewall, and with rediss:// that the server has TLS at this port",
  },
  {
    pattern: /^(?:Protocol error, got|Unknown RESP type) [^]*/,
    reason: "invalid",
    text: "what responds at the address is not Redis; check host and port, for example that it is not an HTTP server",
  },
  {
    pattern: /^[^]*(?:wrong version number|packet length too long)[^]*/,
    reason: "invalid",
    text: "the server has no TLS at this port; use redis:// instead of rediss://, or the port with TLS",
  },
]

/** `ioredis` adds the command. Only the arguments of this one are shown: those of `AUTH` contain the password. */
interface DatabaseError {
  readonly command: { readonly name: "select"; readonly args: readonly [database: string] }
}

/** The error of a command. `problem` is why there is no connection, if that is known. */
export function toRedisError(error: unknown, problem?: unknown): DiscordRedisError {
  return isLost(error) && problem !== undefined ? toConnectionError(problem) : describe(error)
}

/** The error of a connection, which concerns all commands whatever it is. */
export function toConnectionError(error: unknown): DiscordRedisError {
  const described = describe(error)
  const { detail, reason } = described
  return reason === "rejected"
    ? new DiscordRedisError({ reason: "unavailable", detail })
    : described
}

/** The error of the first connection to an address, which may never have led to Redis. */
export function toFirstError(error: unknown): DiscordRedisError {
  if (!isLost(error)) return toConnectionError(error)
  const detail =
    "the server closed the connection at once; check host and port, and whether it expects TLS, with an address like rediss://host"
  return new DiscordRedisError({ reason: "unavailable", detail })
}

/** Whether the server rejects the number of the database. `ioredis` would go on with database 0. */
export function isOfDatabase(error: unknown): error is DatabaseError {
  return (
    Predicate.hasProperty(error, "command") &&
    Predicate.hasProperty(error.command, "name") &&
    error.command.name === "select"
  )
}

/** Whether the database was rejected only because the password was, which is an error of its own. */
export function isOfPassword(error: unknown): boolean {
  return isOfDatabase(error) && messageOf(error).startsWith("NOAUTH ")
}

function describe(error: unknown): DiscordRedisError {
  const message = messageOf(error)
  const found = find(message)
  if (found !== undefined) {
    const { pattern, reason, text } = found
    const detail = text === undefined ? message : message.replace(pattern, text)
    return new DiscordRedisError({ reason, detail })
  }
  if (isOfDatabase(error)) {
    const detail = `it has no database ${error.command.args[0]} (${message}); take another number, by default one from 0 to 15, and 0 in a cluster`
    return new DiscordRedisError({ reason: "invalid", detail })
  }
  const isReply = error instanceof Error && error.name === "ReplyError"
  return new DiscordRedisError({ reason: isReply ? "rejected" : "unavailable", detail: message })
}

function find(message: string): Known | undefined {
  return known.find(({ pattern }) => pattern.test(message))
}

function isLost(error: unknown): boolean {
  return find(messageOf(error))?.isLost === true
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  // A host with several addresses fails with the errors of all of them, and a cluster with that of a node.
  if (error instanceof AggregateError) return error.errors.map(messageOf).join(", ")
  return "lastNodeError" in error && error.lastNodeError instanceof Error
    ? messageOf(error.lastNodeError)
    : error.message
}
