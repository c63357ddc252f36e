/**
 * The order of test files: those that take longest begin first, since a run ends when the last one does.
 * vitest orders them by what it measured before, which a fresh clone does not have, and which would start
 * all files with processes of their own at the same time.
 */
import { relative } from "node:path"
import { BaseSequencer, type TestSpecification } from "vitest/node"

/** The files that take longest; those with many processes stand apart from one another. */
const slow = [
  "test/redis/processes",
  "test/ratelimit/model/laws",
  "test/e2e/conformance",
  "test/examples/",
  "test/redis/channel",
  "test/rest/upload/sockets",
  "test/redis/failover",
  "test/rest/pipeline",
  "test/outbox/processes",
  "test/scenarios/",
  "test/redis/faults",
  "test/ratelimit/oneChannel",
  "test/workers/",
  "test/ratelimit/distributed/",
  "test/leak/",
  "test/outbox/model",
  "test/rest/",
  "test/redis/",
  "test/outbox/",
  "test/ratelimit/",
  "test/browser/",
  "test/docs/",
  "test/package/",
]

export class SlowFirst extends BaseSequencer {
  override async sort(files: Array<TestSpecification>): Promise<Array<TestSpecification>> {
    const rankOf = ({ moduleId }: TestSpecification): number => {
      const path = relative(this.ctx.config.root, moduleId)
      const rank = slow.findIndex((beginning) => path.startsWith(beginning))
      return rank === -1 ? slow.length : rank
    }
    // A stable sort: files of one rank stay in the order of vitest.
    return [...(await super.sort(files))].sort((a, b) => rankOf(a) - rankOf(b))
  }
}
