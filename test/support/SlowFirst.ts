/**
 * The order of test files: those that take longest begin first, since a run ends when the last one does.
 * vitest orders them by what it measured before, which a fresh clone does not have, and which would start
 * all files with processes of their own at the same time.
 */
import { relative } from "node:path"
import { BaseSequencer, type TestSpecification } from "vitest/node"

/** The files that take longest; those that mostly wait for Redis or processes stand among others. */
const slow = [
  "test/redis/processes",
  "test/redis/failover",
  "test/ratelimit/model/laws",
  "test/e2e/conformance",
  "test/examples/",
  "test/rest/upload/sockets",
  "test/outbox/processes",
  "test/scenarios/concurrency",
  "test/redis/channel",
  "test/ratelimit/distributed/channel",
  "test/redis/faults",
  "test/scenarios/",
  "test/rest/pipeline",
  "test/workers/",
  "test/ratelimit/oneChannel",
  "test/leak/secrets",
  "test/redis/connection",
  "test/ratelimit/distributed/",
  "test/outbox/",
  "test/redis/",
  "test/leak/",
  "test/rest/",
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
