import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import { isJsonObject, scalarText } from "../http/exchange.js"
import { type Issue, issue, type Path } from "../http/errors.js"

/**
 * Validates a value that is neither absent nor null, and adds an issue for each error of Discord.
 */
export type Check = (value: unknown, path: Path, issues: Array<Issue>) => void

/** A required field. All others may be absent or null. */
export interface Required {
  readonly required: Check
}

export const required = (check: Check): Required => ({ required: check })

export const object =
  (fields: Readonly<Record<string, Check | Required>>): Check =>
  (value, path, issues) => {
    if (!isJsonObject(value)) {
      issues.push(issue(path, "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType"))
      return
    }
    for (const name in fields) {
      const field = fields[name]
      const given = value[name]
      if (field === undefined) continue
      if (typeof field === "function") {
        if (given !== undefined && given !== null) field(given, [...path, name], issues)
      } else if (given === undefined || given === null) {
        issues.push(issue([...path, name], "BASE_TYPE_REQUIRED", "This field is required"))
      } else {
        field.required(given, [...path, name], issues)
      }
    }
  }

export const list =
  (item: Check, size: { readonly min?: number; readonly max: number }): Check =>
  (value, path, issues) => {
    if (!Array.isArray(value)) {
      issues.push(issue(path, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType"))
      return
    }
    checkLength(value.length, size, path, issues)
    value.forEach((element: unknown, index) => {
      if (element === null) {
        const message = "List item values of ModelType are required"
        issues.push(issue([...path, index], "LIST_ITEM_VALUE_REQUIRED", message))
      } else item(element, [...path, index], issues)
    })
  }

/** Text of a length in code points, without outer whitespace. Bounds are inclusive. */
export const text =
  (size: { readonly min?: number; readonly max: number }): Check =>
  (value, path, issues) => {
    if (typeof value !== "string") {
      issues.push(
        issue(
          path,
          "STRING_TYPE_CONVERT",
          `Could not interpret "${formatValue(value)}" as string.`,
        ),
      )
    } else checkLength(countCodePoints(value.trim()), size, path, issues)
  }

/** Text that matches a regular expression. Other types are left to `text`. */
export const pattern =
  (regex: RegExp): Check =>
  (value, path, issues) => {
    if (typeof value !== "string" || regex.test(value)) return
    const message = "String value did not match validation regex."
    issues.push(issue(path, "STRING_TYPE_REGEX", message))
  }

export const integer =
  (range: { readonly min: number; readonly max: number }): Check =>
  (value, path, issues) => {
    if (typeof value !== "number" || !Number.isInteger(value)) {
      issues.push(issue(path, "NUMBER_TYPE_COERCE", `Value "${formatValue(value)}" is not int.`))
    } else checkRange(value, range, "int", path, issues)
  }

export const number =
  (range: { readonly min: number; readonly max: number }): Check =>
  (value, path, issues) => {
    if (typeof value !== "number") {
      issues.push(issue(path, "NUMBER_TYPE_COERCE", `Value "${formatValue(value)}" is not float.`))
    } else checkRange(value, range, "float", path, issues)
  }

export const choice =
  (values: ReadonlyArray<unknown>): Check =>
  (value, path, issues) => {
    if (!values.includes(value)) {
      const message = `Value must be one of {${values.map(formatValue).join(", ")}}.`
      issues.push(issue(path, "BASE_TYPE_CHOICES", message))
    }
  }

export const boolean: Check = (value, path, issues) => {
  if (typeof value !== "boolean") {
    issues.push(issue(path, "BOOLEAN_TYPE_CONVERT", "Must be either true or false."))
  }
}

/** An id: a decimal string or a JSON number. */
export const snowflake: Check = (value, path, issues) => {
  if (!/^\d{1,20}$/.test(scalarText(value))) {
    issues.push(
      issue(path, "NUMBER_TYPE_COERCE", `Value "${formatValue(value)}" is not snowflake.`),
    )
  }
}

export const url =
  (schemes: ReadonlyArray<string>, max = 2048): Check =>
  (value, path, issues) => {
    const before = issues.length
    text({ max })(value, path, issues)
    if (issues.length > before || typeof value !== "string") return
    const scheme = /^([a-z][a-z0-9+.-]*):\/\/\S/i.exec(value)?.[1]
    if (scheme === undefined) {
      issues.push(issue(path, "URL_TYPE_INVALID_URL", "Not a well formed URL."))
    } else if (isWebScheme(scheme) && /\s/.test(value)) {
      issues.push(issue(path, "URL_TYPE_INVALID_URL", "Not a well formed URL."))
    } else if (!schemes.includes(scheme.toLowerCase())) {
      const names = schemes.map((name) => `'${name}'`).join(", ")
      const message = `Scheme "${scheme}" is not supported. Scheme must be one of (${names}).`
      issues.push(issue(path, "URL_TYPE_INVALID_SCHEME", message))
    }
  }

export const dateTime: Check = (value, path, issues) => {
  if (typeof value !== "string" || Option.isNone(DateTime.make(value))) {
    const message = `Could not parse ${formatValue(value)}. Should be ISO8601.`
    issues.push(issue(path, "DATE_TIME_TYPE_PARSE", message))
  }
}

/** Text of any length. */
export const anyText: Check = text({ max: Number.POSITIVE_INFINITY })

/** A URL with the scheme `http` or `https`. */
export const httpUrl: Check = url(["http", "https"])

/** Combines checks of one value. */
export const all =
  (...checks: ReadonlyArray<Check>): Check =>
  (value, path, issues) => {
    for (const check of checks) check(value, path, issues)
  }

/** The length of a text as Discord counts it, in code points: `👍` is one. */
export function countCodePoints(value: string): number {
  let count = 0
  for (const _ of value) count++
  return count
}

/** Whether a value is absent, null, blank text or an empty list. */
export function isAbsent(value: unknown): boolean {
  if (value === undefined || value === null) return true
  if (typeof value === "string") return value.trim() === ""
  return Array.isArray(value) && value.length === 0
}

function isWebScheme(scheme: string): boolean {
  return /^https?$/i.test(scheme)
}

function checkLength(
  length: number,
  { min, max }: { readonly min?: number; readonly max: number },
  path: Path,
  issues: Array<Issue>,
): void {
  if (length <= max && length >= (min ?? 0)) return
  if (min === undefined) {
    issues.push(issue(path, "BASE_TYPE_MAX_LENGTH", `Must be ${max} or fewer in length.`))
  } else {
    const message = `Must be between ${min} and ${max} in length.`
    issues.push(issue(path, "BASE_TYPE_BAD_LENGTH", message))
  }
}

function checkRange(
  value: number,
  { min, max }: { readonly min: number; readonly max: number },
  kind: "int" | "float",
  path: Path,
  issues: Array<Issue>,
): void {
  if (value < min) {
    const message = `${kind} value should be greater than or equal to ${min}.`
    issues.push(issue(path, "NUMBER_TYPE_MIN", message))
  } else if (value > max) {
    const message = `${kind} value should be less than or equal to ${max}.`
    issues.push(issue(path, "NUMBER_TYPE_MAX", message))
  }
}

function formatValue(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value)
}
