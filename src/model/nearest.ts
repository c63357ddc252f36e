/** Suggests an existing name for a misspelt one. */

const maxEdits = 2

/** Returns the first known name within an edit distance of two. */
export function nearest(name: string, known: ReadonlyArray<string>): string | undefined {
  const written = normalize(name)
  return known.find((one) => isNear(normalize(one), written))
}

/** The lengths are looked at first: a name from outside may be very long. */
function isNear(one: string, other: string): boolean {
  return Math.abs(one.length - other.length) <= maxEdits && editDistance(one, other) <= maxEdits
}

function normalize(name: string): string {
  return name.replaceAll("_", "").toLowerCase()
}

/** Levenshtein distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const changed = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(changed, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
