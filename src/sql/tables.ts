/** The names of the tables. They are parts of statements, so the prefix is checked. */
import * as Either from "effect/Either"

export interface TableNames {
  readonly webhooks: string
  readonly queues: string
  readonly entries: string
  readonly files: string
  readonly settings: string
  readonly migrations: string
  /** The prefix without a schema: the beginning of the names of indexes. */
  readonly prefix: string
  /** The channel of notifications on PostgreSQL. */
  readonly channel: string
}

/** PostgreSQL cuts names at 63 bytes; the longest suffix is `entries_pending`. */
const maxPrefixLength = 40

const prefixPattern = /^(?:([a-z_][a-z0-9_]*)\.)?([a-z_][a-z0-9_]*)$/

/** Returns the names, or what is wrong with the prefix. */
export function makeTableNames(
  tablePrefix: string,
  { canHaveSchema }: { readonly canHaveSchema: boolean },
): Either.Either<TableNames, string> {
  const [, schema, prefix] = prefixPattern.exec(tablePrefix) ?? []
  if (prefix === undefined || (schema !== undefined && !canHaveSchema)) {
    const example = canHaveSchema ? " A schema may precede it, as in schema.prefix_." : ""
    return Either.left(
      `the table prefix ${JSON.stringify(tablePrefix)} is not valid: use lower case letters, digits and "_", beginning with a letter or "_".${example}`,
    )
  }
  if (prefix.length > maxPrefixLength || (schema?.length ?? 0) > maxPrefixLength) {
    return Either.left(
      `the table prefix ${JSON.stringify(tablePrefix)} is too long: the maximum is ${maxPrefixLength} characters`,
    )
  }
  const qualified = schema === undefined ? prefix : `${schema}.${prefix}`
  return Either.right({
    webhooks: `${qualified}webhooks`,
    queues: `${qualified}queues`,
    entries: `${qualified}entries`,
    files: `${qualified}files`,
    settings: `${qualified}settings`,
    migrations: `${qualified}migrations`,
    prefix,
    channel: qualified.replace(".", "_"),
  })
}
