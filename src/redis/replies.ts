/** Decodes the replies and messages of the scripts. */
import * as Array from "effect/Array"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { ParseError } from "effect/ParseResult"
import * as Schema from "effect/Schema"
import {
  type Message,
  type Reports,
  type Reply,
  StoreError,
  type Turn,
  type TurnStore,
} from "../ratelimit/distributed/store.js"
import type { Event } from "./service.js"

const RefreshReply = Schema.Tuple(
  Schema.Number,
  Schema.String,
  Schema.String,
  Schema.Array(Schema.String),
)

/** A sequence, or a turn number, which the scripts call `epoch`. */
const Digits = Schema.NumberFromString.pipe(Schema.int(), Schema.nonNegative())
const OptionalDigits = Schema.Union(Digits, Schema.Literal(""))

/** The fields of replies and messages, in the order of the scripts; an empty text stands for nothing. */
const ScriptReply = Schema.Union(
  Schema.Tuple(Schema.Literal("turn"), Digits, OptionalDigits, Schema.String, Schema.String),
  Schema.Tuple(Schema.Literal("waiting"), Schema.String, Digits, Schema.String),
)

const ScriptMessage = Schema.parseJson(
  Schema.Union(
    Schema.Struct({ lost: Schema.Literal(true) }),
    Schema.Struct({ key: Schema.String, wanted: Digits }),
    Schema.Struct({
      key: Schema.String,
      process: Schema.String,
      epoch: Digits,
      until: OptionalDigits,
      state: Schema.String,
      uncertain: Schema.String,
    }),
  ),
)

/** The version, then processes and their reports in turn. */
const ReportsReply = Schema.NonEmptyArray(Schema.String)

const decodeReports = Schema.decodeUnknown(ReportsReply)
const decodeRefresh = Schema.decodeUnknown(RefreshReply)
const decodeOptionalDigits = Schema.decodeUnknown(OptionalDigits)
const decodeReply = Schema.decodeUnknown(ScriptReply)
const decodeMessage = Schema.decodeUnknownOption(ScriptMessage)

/** Whether the process was alive, the time, and what others ask of it. */
export function toPresence(
  reply: unknown,
): Effect.Effect<Effect.Effect.Success<ReturnType<TurnStore["refresh"]>>, StoreError> {
  return Effect.mapBoth(decodeRefresh(reply), {
    onFailure: toDamage,
    onSuccess: ([existed, seconds, micros, requestedTurns]) => ({
      requestedTurns,
      wasAlive: existed === 1,
      time: Number(seconds) * 1000 + Number(micros) / 1000,
    }),
  })
}

export function toLostAt(reply: unknown): Effect.Effect<number | undefined, StoreError> {
  return Effect.mapBoth(decodeOptionalDigits(reply), {
    onFailure: toDamage,
    onSuccess: (time) => (time === "" ? undefined : time),
  })
}

export function toReports(reply: unknown): Effect.Effect<Reports, StoreError> {
  return Effect.mapBoth(decodeReports(reply), {
    onFailure: toDamage,
    onSuccess: ([version, ...fields]) => ({
      version,
      texts: new Map(Array.chunksOf(fields, 2).map(([process, text = ""]) => [process, text])),
    }),
  })
}

export function toReply(reply: unknown): Effect.Effect<Reply, StoreError> {
  return Effect.mapBoth(decodeReply(reply), {
    onFailure: toDamage,
    onSuccess: (fields): Reply => {
      if (fields[0] === "waiting") {
        const [, owner, epoch, isLost] = fields
        return {
          _tag: "Waiting",
          owner: owner === "" ? undefined : owner,
          turnNumber: epoch,
          hasLostTurn: isLost !== "",
        }
      }
      const [, epoch, until, state, uncertain] = fields
      return { _tag: "Turn", turn: toTurn(epoch, until, state, uncertain) }
    },
  })
}

/** Ignores what no script has published. */
export function toMessage(event: Event): Option.Option<Message> {
  if (event._tag === "Subscribed") return Option.some(event)
  return Option.map(decodeMessage(event.message), (message): Message => {
    if ("lost" in message) return { _tag: "Lost" }
    if ("wanted" in message) return { _tag: "Wanted", key: message.key, sequence: message.wanted }
    const { epoch, key, process, state, uncertain, until } = message
    return { _tag: "Turn", key, process, turn: toTurn(epoch, until, state, uncertain) }
  })
}

function toTurn(turnNumber: number, until: number | "", state: string, uncertain: string): Turn {
  return {
    turnNumber,
    coversBefore: until === "" ? Number.POSITIVE_INFINITY : until,
    state: state === "" ? undefined : state,
    isStateOutdated: uncertain !== "",
  }
}

function toDamage(error: ParseError): StoreError {
  return new StoreError({ isLocal: true, detail: error.message })
}
