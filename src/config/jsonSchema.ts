/** The form of the file for editors, from the same Schema that reads it. */
import * as JSONSchema from "effect/JSONSchema"
import { isRecord, keys, type Path } from "./keys.js"
import { settings } from "./settings.js"

/** Draft 7, which is what editors know. */
export const make = (): object => {
  const { $schema, ...form } = JSONSchema.make(settings())
  return {
    $schema,
    title: "Configuration of effect-discord",
    ...filled(form, []),
  }
}

/** With the meaning and the default of each key, and without what says nothing. */
function filled(form: unknown, path: Path): object {
  if (!isRecord(form)) return {}
  const key = keys().find(({ name }) => name === path.join("."))
  if (key !== undefined) {
    const { description: _, ...own } = form
    return {
      description: key.meaning,
      ...own,
      ...(key.fallback === undefined ? {} : { default: key.fallback }),
    }
  }
  const { anyOf, properties, required: _, ...rest } = form
  return {
    ...rest,
    ...(Array.isArray(anyOf) ? { anyOf: anyOf.map((one) => filled(one, path)) } : {}),
    ...(isRecord(properties)
      ? {
          properties: Object.fromEntries(
            Object.entries(properties).map(([name, one]) => [name, filled(one, [...path, name])]),
          ),
        }
      : {}),
  }
}
