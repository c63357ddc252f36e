/** The parts that the messages of errors have in common. */

interface Issue {
  readonly path: string
  readonly message: string
}

/** At most this many issues in one sentence. */
const listed = 5

/** Which call it was; the ids of webhooks are no secrets. */
export function place(error: {
  readonly operation: string
  readonly webhookId?: string | undefined
}): string {
  const { operation, webhookId } = error
  return webhookId === undefined ? operation : `${operation} (webhook ${webhookId})`
}

export function answered(error: {
  readonly operation: string
  readonly webhookId: string
  readonly status: number
  readonly code: number
}): string {
  const code = error.code === 0 ? "" : ` (code ${error.code})`
  return `${place(error)}: response ${error.status}${code}`
}

export function asRemembered(error: { readonly remembered: boolean }): string {
  return error.remembered ? " (remembered; nothing was sent)" : ""
}

export function listIssues(issues: ReadonlyArray<Issue>, omitted = 0): string {
  const shown = issues
    .slice(0, listed)
    .map((issue) => (issue.path === "" ? issue.message : `${issue.path}: ${issue.message}`))
  const more = issues.length - shown.length + omitted
  return shown.join("; ") + (more > 0 ? `; and ${more} more` : "")
}
