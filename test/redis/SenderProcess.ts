/** A process that shares limits through Redis, as a test starts it. */
import { ChildProgram } from "../support/ChildProgram.js"

export interface Settings {
  readonly name: string
  readonly baseUrl: string
  readonly redisUrl: string
  readonly prefix: string
  readonly lease: `${number} seconds`
  readonly idleAfter: `${number} seconds`
  readonly webhook: { readonly id: string; readonly token: string }
  /** Sent at once. */
  readonly messages: number
}

export class SenderProcess extends ChildProgram<Settings> {
  /** Sends its messages. */
  send(): void {
    this.write("\n")
  }
}
