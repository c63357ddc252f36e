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
  /** Number of messages of a round, which are sent at once. */
  readonly messages: number
  readonly rounds: number
}

export class SenderProcess extends ChildProgram<Settings> {
  /** Starts a round. The process ends after the last one. */
  send(): void {
    this.write("\n")
  }

  /** Number of messages that were accepted. */
  get sent(): number {
    return this.lines.filter((line) => line.startsWith(`${this.name}-`)).length
  }
}
