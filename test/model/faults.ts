import * as Effect from "effect/Effect"
import type * as ParseResult from "effect/ParseResult"
import { Issue } from "../../src/index.js"

/** The issues of an encoding, none when it succeeds. */
export const faults = <A>(
  encoding: Effect.Effect<A, ParseResult.ParseError>,
): Effect.Effect<ReadonlyArray<Issue.Issue>> =>
  Effect.match(encoding, { onFailure: Issue.fromParseError, onSuccess: () => [] })
