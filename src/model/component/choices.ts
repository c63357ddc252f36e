/** What must hold between the figures of one select. */
import type * as Schema from "effect/Schema"

/** The parts of a select that depend on one another. */
export interface Choices {
  readonly minValues?: number | undefined
  readonly maxValues?: number | undefined
  readonly options?: ReadonlyArray<{ readonly value: string }>
  readonly defaultValues?: ReadonlyArray<unknown> | undefined
}

/** Discord: Component Reference, `max_values` when it is left out. */
const MAX_VALUES_DEFAULT = 1

export function choiceIssues(select: Choices): ReadonlyArray<Schema.FilterIssue> {
  return [...repeatedValues(select), ...figures(select)]
}

/** Discord: SELECT_COMPONENT_OPTION_VALUE_DUPLICATED. */
function repeatedValues({ options = [] }: Choices): ReadonlyArray<Schema.FilterIssue> {
  const seen = new Set<string>()
  return options.flatMap(({ value }, index) => {
    const isNew = !seen.has(value)
    seen.add(value)
    return isNew
      ? []
      : [{ path: ["options", index, "value"], message: "is that of another option" }]
  })
}

function figures(select: Choices): ReadonlyArray<Schema.FilterIssue> {
  const { defaultValues = [], maxValues, minValues = 0, options } = select
  const available = options?.length ?? Number.POSITIVE_INFINITY
  const most = Math.min(maxValues ?? MAX_VALUES_DEFAULT, available)
  const found: Array<Schema.FilterIssue> = []
  if (maxValues !== undefined && maxValues > available) {
    found.push({
      path: ["maxValues"],
      message: `at most the ${available} options, got ${maxValues}`,
    })
  }
  if (minValues > most) {
    found.push({ path: ["minValues"], message: `at most ${most} (maxValues), got ${minValues}` })
  }
  if (defaultValues.length > most) {
    const message = `at most ${most} (maxValues), got ${defaultValues.length}`
    found.push({ path: ["defaultValues"], message })
  }
  return found
}

/** Makes a generated select valid. */
export function choosable<A extends Choices>(select: A): A {
  if (choiceIssues(select).length === 0) return select
  const { defaultValues: _, maxValues: __, minValues: ___, ...rest } = select
  const options = select.options?.map((option, index) => ({ ...option, value: `${index}` }))
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- without what is optional
  return { ...rest, ...(options === undefined ? {} : { options }) } as Choices as A
}
