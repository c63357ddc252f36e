/** The address of a server, before `ioredis` reads it. */
import { parseUrl } from "../model/parseUrl.js"
import { DiscordRedisError } from "./RedisError.js"

const expected =
  "expected an address like redis://user:password@host:6379/0 or rediss://host, or the path of a socket; special characters of the password are percent-encoded"

const encoding =
  "the user or the password of the address has a % that is no percent-encoding of UTF-8; write %25 for a %, as in redis://user:100%25@host"

/** `ioredis` takes any of its options from the query, as a text: that of a time ends the process at once. */
const parameters = new Set(["db", "family", "username", "password", "connectionName", "keyPrefix"])

/**
 * What is wrong with an address. `ioredis` takes any other text for the path of a socket, and shows it in errors,
 * with the password.
 */
export function checkAddress(url: string): DiscordRedisError | undefined {
  const isSocket = /^\/[^/]/.test(url)
  if (!isSocket && !/^rediss?:\/\//.test(url)) return makeInvalid(expected)
  const parsed = parseUrl(isSocket ? `redis://socket${url}` : url)
  if (parsed === undefined) return makeInvalid(expected)
  const path = isSocket ? "/" : parsed.pathname
  const numbers = /\d/.test(path) ? [] : parsed.searchParams.getAll("db")
  // A database that is no number would end the process, outside of any effect.
  if (!/^\/?(?:\d|$)/.test(path) || numbers.some((text) => Number.isNaN(Number.parseInt(text, 10))))
    return makeInvalid(expected)
  if ([...parsed.searchParams.keys()].some((name) => !parameters.has(name)))
    return makeInvalid(
      "the address has a parameter other than db, family, username, password, connectionName and keyPrefix; give options to a client of ioredis, for RedisConnection.layerClient",
    )
  return [parsed.username, parsed.password].every(isDecodable) ? undefined : makeInvalid(encoding)
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}

/** Without the address, which contains a password. */
function makeInvalid(detail: string): DiscordRedisError {
  return new DiscordRedisError({ reason: "invalid", detail })
}
