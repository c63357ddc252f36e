/**
 * Formats logged values and causes as text: JSON, with types that JSON lacks, and of bounded
 * length.
 */
import * as Cause from "effect/Cause"
import * as Inspectable from "effect/Inspectable"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"

/** These limits exceed what a log entry can show. Without them, a large structure would block the program. */
const maxItems = 200
const maxDepth = 10

const unprintable = "(cannot be shown)"

/** Never throws, even if a getter, `toJSON` or `toString` of the value does. */
export function formatValue(value: unknown): string {
  try {
    if (typeof value === "string") return value
    if (value instanceof Error) return formatError(value)
    const printed = toPrintable(value, [])
    return typeof printed === "string" ? printed : JSON.stringify(printed, undefined, 2)
  } catch {
    return unprintable
  }
}

/** Prints the stack and the causes, which contain the message, and then the other fields of the error. */
function formatError(error: Error): string {
  const fields = JSON.stringify(printFields(getOwnFields(error), [error]), undefined, 2)
  const text = formatCause(Cause.fail(error))
  return fields === "{}" ? text : `${text}\n${fields}`
}

export function formatCause(cause: Cause.Cause<unknown>): string {
  try {
    return foldFrames(Cause.pretty(mapFailures(cause), { renderErrorCause: true }))
  } catch {
    return unprintable
  }
}

/** Converts failures and defects that are not errors to text. */
function mapFailures(cause: Cause.Cause<unknown>): Cause.Cause<unknown> {
  return Cause.match(cause, {
    onEmpty: Cause.empty,
    onFail: (failure): Cause.Cause<unknown> => Cause.fail(toErrorOrText(failure)),
    onDie: (defect) => Cause.die(toErrorOrText(defect)),
    onInterrupt: (fiberId) => Cause.interrupt(fiberId),
    onSequential: (left, right) => Cause.sequential(left, right),
    onParallel: (left, right) => Cause.parallel(left, right),
  })
}

function toErrorOrText(value: unknown): unknown {
  return value instanceof Error ? value : formatValue(value)
}

/** Converts a value to text, `null`, or structures of them, which `JSON.stringify` prints. */
function toPrintable(given: unknown, parents: ReadonlyArray<object>): unknown {
  // Redacts by the settings of the fiber that logs, which Effect provides to loggers.
  const value = Inspectable.redact(given)
  if (typeof value === "bigint") return `${value}n`
  if (typeof value === "function") return `[Function ${value.name || "anonymous"}]`
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value)
  if (typeof value === "symbol" || value === undefined) return String(value)
  if (typeof value !== "object") return value
  if (value === null) return null
  if (parents.includes(value)) return "(circular)"
  if (parents.length >= maxDepth) return "…"
  return toPrintableObject(value, [...parents, value])
}

function toPrintableObject(value: object, parents: ReadonlyArray<object>): unknown {
  if (Redacted.isRedacted(value)) return "<redacted>"
  if (value instanceof RegExp) return String(value)
  if (value instanceof Error) return printFields(getErrorFields(value), parents)
  if (value instanceof Map) return printMap(value, parents)
  if (value instanceof Set) return printItems(value, parents)
  if (Array.isArray(value)) return printItems(value, parents)
  if (Cause.isCause(value)) return formatCause(value)
  if (ArrayBuffer.isView(value)) return `[${getClassName(value)} of ${value.byteLength} bytes]`
  // Effect's data types, dates and URLs convert themselves.
  if (Predicate.hasProperty(value, "toJSON") && typeof value.toJSON === "function") {
    const json: unknown = Reflect.apply(value.toJSON, value, [])
    if (json !== value) return toPrintable(json, parents)
  }
  const entries = Object.entries(Object.getOwnPropertyDescriptors(value))
  const shown = entries.filter(([, { enumerable }]) => enumerable === true)
  if (shown.length === 0 && !isPlain(value)) return `[${getClassName(value)}]`
  return printFields(
    shown.map(([key]) => [key, (): unknown => Reflect.get(value, key)]),
    parents,
  )
}

type PrintableField = readonly [key: string, read: () => unknown]

/** A field that cannot be read does not hide the others. */
function printFields(
  fields: ReadonlyArray<PrintableField>,
  parents: ReadonlyArray<object>,
): Readonly<Record<string, unknown>> {
  const shown = fields
    .slice(0, maxItems)
    .map(([key, read]) => [key, tryPrint(read, parents)] as const)
  return Object.fromEntries<unknown>([
    ...shown,
    ...describeOmitted(fields.length).map((more) => ["…", more] as const),
  ])
}

function tryPrint(read: () => unknown, parents: ReadonlyArray<object>): unknown {
  try {
    const value = read()
    return value === undefined ? undefined : toPrintable(value, parents)
  } catch {
    return unprintable
  }
}

function printItems(
  items: Iterable<unknown> & { readonly size?: number; readonly length?: number },
  parents: ReadonlyArray<object>,
): ReadonlyArray<unknown> {
  const shown: Array<unknown> = []
  for (const item of items) {
    if (shown.length === maxItems) break
    shown.push(tryPrint(() => item, parents) ?? null)
  }
  return [...shown, ...describeOmitted(items.size ?? items.length ?? 0)]
}

function printMap(map: ReadonlyMap<unknown, unknown>, parents: ReadonlyArray<object>): unknown {
  const keys = Array.from(map.keys())
  return keys.every((key) => typeof key === "string")
    ? printFields(
        keys.map((key) => [key, () => map.get(key)]),
        parents,
      )
    : printItems(Array.from(map), parents)
}

/** Name, tag and message first. The stack is printed only for an error that is logged itself. */
function getErrorFields(error: Error): ReadonlyArray<PrintableField> {
  const cause: ReadonlyArray<PrintableField> =
    error.cause === undefined ? [] : [["cause", () => error.cause]]
  return [
    ["name", () => error.name],
    ["message", () => error.message],
    ...getOwnFields(error),
    ...cause,
  ]
}

function getOwnFields(error: Error): ReadonlyArray<PrintableField> {
  return Object.keys(error)
    .filter((key) => !["name", "message", "cause"].includes(key))
    .map((key) => [key, (): unknown => Reflect.get(error, key)])
}

function describeOmitted(count: number): ReadonlyArray<string> {
  return count > maxItems ? [`${count - maxItems} more`] : []
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}

function getClassName(value: object): string {
  const { constructor }: { readonly constructor?: unknown } = value
  return typeof constructor === "function" && constructor.name !== "" ? constructor.name : "Object"
}

/**
 * A frame outside the program: `at work (/app/node_modules/x/y.js:1:2)`, `at
 * node:internal/timers:3:4`, `at Array.map (<anonymous>)`.
 */
const dependencyFrame =
  /^\s*at .*(?:[\\/]node_modules[\\/]|\bnode:|\bext:|\(native(?::|\))|<anonymous>\)?$)/

interface Folding {
  readonly lines: ReadonlyArray<string>
  /** The number of frames of dependencies at the end, which are folded into one line. */
  readonly frames: number
}

const emptyFolding: Folding = { lines: [], frames: 0 }

/** Folds consecutive frames of dependencies and of the runtime into one line. */
function foldFrames(text: string): string {
  return text.split("\n").reduce(foldLine, emptyFolding).lines.join("\n")
}

function foldLine({ frames, lines }: Folding, line: string): Folding {
  if (!dependencyFrame.test(line)) return { lines: [...lines, line], frames: 0 }
  const [indent = ""] = /^\s*/.exec(line) ?? []
  const count = frames + 1
  const summary = `${indent}… ${count} ${count === 1 ? "frame" : "frames"} of dependencies`
  return { lines: [...(frames === 0 ? lines : lines.slice(0, -1)), summary], frames: count }
}
