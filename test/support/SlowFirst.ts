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
  "test/redis/connection",
  "test/leak/secrets",
  "test/scenarios/",
  "test/workers/",
  "test/ratelimit/distributed/webhookData",
  "test/rest/pipeline",
  "test/redis/cluster",
  "test/ratelimit/distributed/",
  "test/outbox/badInput",
  "test/rest/responseBody",
  "test/leak/redis",
  "test/outbox/crashes",
  "test/redis/",
  "test/ratelimit/oneChannel",
  "test/outbox/",
  "test/browser/",
  "test/leak/",
  "test/ratelimit/droppedFibers",
  "test/rest/",
  "test/ratelimit/",
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
