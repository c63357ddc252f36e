/** What every error of a request starts with. */
import type { Route } from "./Route.js"

export interface ErrorFields {
  readonly operation: string
  readonly webhookId: string
  readonly route: string
}

export const errorFields = ({ name, operation, webhookId }: Route): ErrorFields => ({
  operation,
  webhookId,
  route: name,
})
