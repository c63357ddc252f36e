/** A logged value or cause as text: as JSON with what JSON does not know, and bounded whatever it holds. */
import * as Cause from "effect/Cause"
import * as Inspectable from "effect/Inspectable"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
/** More than a log entry shows; without them a large structure would hold the program up. */
const maxItems = 200
const maxDepth = 10

const unprintable = "(cannot be shown)"

/** Logging never throws, whatever a getter, `toJSON` or `toString` of the value does. */
export function valueText(value: unknown): string {
  try {
    if (typeof value === "string") return value
    if (value instanceof Error) return causeText(Cause.fail(value))
    const printed = printable(value, [])
    return typeof printed === "string" ? printed : JSON.stringify(printed, undefined, 2)
  } catch {
    return unprintable
  }
}

export function causeText(cause: Cause.Cause<unknown>): string {
  try {
    return foldFrames(Cause.pretty(withErrors(cause), { renderErrorCause: true }))
  } catch {
    return unprintable
  }
}

/** Failures and defects that are no errors, printed as logged values are. */
function withErrors(cause: Cause.Cause<unknown>): Cause.Cause<unknown> {
  return Cause.match(cause, {
    onEmpty: Cause.empty,
    onFail: (failure): Cause.Cause<unknown> => Cause.fail(errorOrText(failure)),
    onDie: (defect) => Cause.die(errorOrText(defect)),
    onInterrupt: (fiberId) => Cause.interrupt(fiberId),
    onSequential: (left, right) => Cause.sequential(left, right),
    onParallel: (left, right) => Cause.parallel(left, right),
  })
}

function errorOrText(value: unknown): unknown {
  return value instanceof Error ? value : valueText(value)
}

/** Text, `null`, or something of these that `JSON.stringify` prints as it is. */
function printable(given: unknown, parents: ReadonlyArray<object>): unknown {
  // By the rules of the fiber that logs it, which Effect sets up around its loggers.
  const value = Inspectable.redact(given)
  if (typeof value === "bigint") return `${value}n`
  if (typeof value === "function") return `[Function ${value.name || "anonymous"}]`
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value)
  if (typeof value === "symbol" || value === undefined) return String(value)
  if (typeof value !== "object") return value
  if (value === null) return null
  if (parents.includes(value)) return "(circular)"
  if (parents.length >= maxDepth) return "…"
  return printableObject(value, [...parents, value])
}

function printableObject(value: object, parents: ReadonlyArray<object>): unknown {
  if (Redacted.isRedacted(value)) return "<redacted>"
  if (value instanceof RegExp) return String(value)
  if (value instanceof Error) return fieldsOf(errorFields(value), parents)
  if (value instanceof Map) return mapFields(value, parents)
  if (value instanceof Set) return itemsOf(value, parents)
  if (Array.isArray(value)) return itemsOf(value, parents)
  if (Cause.isCause(value)) return causeText(value)
  if (ArrayBuffer.isView(value)) return `[${nameOf(value)} of ${value.byteLength} bytes]`
  // What Effect's data types say of themselves, and dates and URLs.
  if (Predicate.hasProperty(value, "toJSON") && typeof value.toJSON === "function") {
    const json: unknown = Reflect.apply(value.toJSON, value, [])
    if (json !== value) return printable(json, parents)
  }
  const entries = Object.entries(Object.getOwnPropertyDescriptors(value))
  const shown = entries.filter(([, { enumerable }]) => enumerable === true)
  if (shown.length === 0 && !isPlain(value)) return `[${nameOf(value)}]`
  return fieldsOf(
    shown.map(([key]) => [key, (): unknown => Reflect.get(value, key)]),
    parents,
  )
}

type Field = readonly [key: string, read: () => unknown]

/** One field that cannot be read does not hide the others. */
function fieldsOf(
  fields: ReadonlyArray<Field>,
  parents: ReadonlyArray<object>,
): Readonly<Record<string, unknown>> {
  const shown = fields
    .slice(0, maxItems)
    .map(([key, read]) => [key, attempt(read, parents)] as const)
  return Object.fromEntries<unknown>([
    ...shown,
    ...rest(fields.length).map((more) => ["…", more] as const),
  ])
}

function attempt(read: () => unknown, parents: ReadonlyArray<object>): unknown {
  try {
    const value = read()
    return value === undefined ? undefined : printable(value, parents)
  } catch {
    return unprintable
  }
}

function itemsOf(
  items: Iterable<unknown> & { readonly size?: number; readonly length?: number },
  parents: ReadonlyArray<object>,
): ReadonlyArray<unknown> {
  const shown: Array<unknown> = []
  for (const item of items) {
    if (shown.length === maxItems) break
    shown.push(attempt(() => item, parents) ?? null)
  }
  return [...shown, ...rest(items.size ?? items.length ?? 0)]
}

function mapFields(map: ReadonlyMap<unknown, unknown>, parents: ReadonlyArray<object>): unknown {
  const keys = Array.from(map.keys())
  return keys.every((key) => typeof key === "string")
    ? fieldsOf(
        keys.map((key) => [key, () => map.get(key)]),
        parents,
      )
    : itemsOf(Array.from(map), parents)
}

/** Name, tag and message first; not its stack, which belongs to the error that is logged itself. */
function errorFields(error: Error): ReadonlyArray<Field> {
  const own = Object.keys(error).filter((key) => !["name", "message", "cause"].includes(key))
  const cause: ReadonlyArray<Field> =
    error.cause === undefined ? [] : [["cause", () => error.cause]]
  return [
    ["name", () => error.name],
    ["message", () => error.message],
    ...own.map((key): Field => [key, (): unknown => Reflect.get(error, key)]),
    ...cause,
  ]
}

function rest(count: number): ReadonlyArray<string> {
  return count > maxItems ? [`${count - maxItems} more`] : []
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}

function nameOf(value: object): string {
  const { constructor }: { readonly constructor?: unknown } = value
  return typeof constructor === "function" && constructor.name !== "" ? constructor.name : "Object"
}

/** A stack without the frames that nobody who reads it has written. */

/** `at work (/app/node_modules/x/y.js:1:2)`, `at node:internal/timers:3:4`, `at Array.map (<anonymous>)`. */
const dependencyFrame =
  /^\s*at .*(?:[\\/]node_modules[\\/]|\bnode:|\bext:|\(native(?::|\))|<anonymous>\)?$)/

interface Folding {
  readonly lines: ReadonlyArray<string>
  /** Foreign frames at the end of the lines, which are one line. */
  readonly frames: number
}

const noLines: Folding = { lines: [], frames: 0 }

/** Frames of dependencies and of the runtime, one after another, become one line. */
function foldFrames(text: string): string {
  return text.split("\n").reduce(fold, noLines).lines.join("\n")
}

function fold({ frames, lines }: Folding, line: string): Folding {
  if (!dependencyFrame.test(line)) return { lines: [...lines, line], frames: 0 }
  const [indent = ""] = /^\s*/.exec(line) ?? []
  const count = frames + 1
  const summary = `${indent}… ${count} ${count === 1 ? "frame" : "frames"} of dependencies`
  return { lines: [...(frames === 0 ? lines : lines.slice(0, -1)), summary], frames: count }
}
