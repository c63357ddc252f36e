export * as RedisConnection from "./RedisConnection.js"
export * as RedisError from "./RedisError.js"
export * as RedisMetrics from "./RedisMetrics.js"
export * as RedisRateLimiter from "./RedisRateLimiter.js"
