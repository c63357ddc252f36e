/**
 * The calls of a `TurnStore` as scripts, each atomic and on the keys of one webhook, so that they run on a Redis
 * Cluster. Sequences and epochs are strings of digits, because Lua's numbers lose them when they are printed.
 *
 * - `KEYS[1]`, a hash: `owner` and `epoch` of the turn, `state` of the limiter, `uncertain`, and the `last` epoch
 * - `KEYS[2]`, a sorted set: `process:sequence` by sequence
 */

/** Arguments of every script of a webhook: process, milliseconds to live, prefix of channels, key. */
const common = `
local hash, queue = KEYS[1], KEYS[2]
local process, ttl, channel, key = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]

local function digits(number) return string.format('%.0f', number) end

local function nextEpoch()
  local time = redis.call('TIME')
  local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
  local epoch = digits(math.max(now, tonumber(redis.call('HGET', hash, 'last') or '0') + 1))
  redis.call('HSET', hash, 'last', epoch)
  return epoch
end

local function split(member) return string.match(member, '^([^:]*):(.*)$') end

-- The sequence up to which a turn of this process extends, which is that of the first request of another one,
-- and the number of requests before. Of two requests with the same sequence, the first in the queue is first.
local function firstOfOthers(owner)
  local from, last = 0, nil
  while true do
    local members = redis.call('ZRANGE', queue, from, from + 99)
    for index, member in ipairs(members) do
      local other, sequence = split(member)
      if other ~= owner then
        return sequence == last and digits(tonumber(sequence) + 1) or sequence, from + index - 1
      end
      last = sequence
    end
    from = from + #members
    if #members < 100 then return '', from end
  end
end

local function publish(owner, message)
  redis.call('PUBLISH', channel .. string.match(owner, '^(.*)%.[^.]*$'), cjson.encode(message))
end

-- The turn of a process, whose requests it covers need not wait any more.
local function turnOf(owner)
  local sequence, covered = firstOfOthers(owner)
  if covered > 0 then redis.call('ZREMRANGEBYRANK', queue, 0, covered - 1) end
  local fields = redis.call('HMGET', hash, 'epoch', 'state', 'uncertain')
  return { 'turn', fields[1], sequence, fields[2] or '', fields[3] or '' }
end

local function removeFromQueue(gone)
  for _, member in ipairs(redis.call('ZRANGE', queue, 0, -1)) do
    if split(member) == gone then redis.call('ZREM', queue, member) end
  end
end

local function keep()
  for _, name in ipairs({ hash, queue }) do
    if redis.call('PTTL', name) < ttl then redis.call('PEXPIRE', name, ttl) end
  end
end

local function grant()
  local first = redis.call('ZRANGE', queue, 0, 0)[1]
  if not first then return end
  local owner = split(first)
  redis.call('HSET', hash, 'owner', owner, 'epoch', nextEpoch())
  if owner == process then return end
  local turn = turnOf(owner)
  publish(owner, { key = key, process = owner, epoch = turn[2], ['until'] = turn[3], state = turn[4], uncertain = turn[5] })
end

local function waiting(isLost)
  local fields = redis.call('HMGET', hash, 'owner', 'epoch')
  return { 'waiting', fields[1] or '', fields[2] or '0', isLost and '1' or '' }
end

local function reply()
  if not redis.call('HGET', hash, 'owner') then grant() end
  local owner = redis.call('HGET', hash, 'owner')
  local result
  if owner == process then
    result = turnOf(process)
  else
    local first = owner and firstOfOthers(owner) or ''
    if first ~= '' then publish(owner, { key = key, wanted = first }) end
    result = waiting(false)
  end
  keep()
  return result
end
`

/** Further arguments: the sequences. */
export const join = `${common}
local name, generation = string.match(process, '^(.*)%.([^.]*)$')
for index = 5, #ARGV do
  for old = 0, tonumber(generation) - 1 do
    redis.call('ZREM', queue, name .. '.' .. old .. ':' .. ARGV[index])
  end
  redis.call('ZADD', queue, ARGV[index], process .. ':' .. ARGV[index])
end
return reply()
`

/** Further arguments: the epoch, the state, and \`give\`, \`keep\` or \`leave\`. */
export const pass = `${common}
local epoch, state, how = ARGV[5], ARGV[6], ARGV[7]
local fields = redis.call('HMGET', hash, 'owner', 'epoch', 'state')
local known = tonumber(fields[2] or '0')
local isOwner = known < tonumber(epoch)
if known == tonumber(epoch) then isOwner = not fields[1] or fields[1] == process end
-- The store lost everything, and then granted a turn that is held back as long as this one may exist.
if known > tonumber(epoch) and not fields[3] then isOwner = true end
if not isOwner then return waiting(true) end
local last = math.max(tonumber(redis.call('HGET', hash, 'last') or '0'), tonumber(epoch))
redis.call('HSET', hash, 'owner', process, 'epoch', epoch, 'state', state, 'last', digits(last))
redis.call('HDEL', hash, 'uncertain')
local first = redis.call('ZRANGE', queue, 0, 0)[1]
if how == 'leave' then removeFromQueue(process) end
if how == 'leave' or (how == 'give' and first and split(first) ~= process) then
  redis.call('HDEL', hash, 'owner')
  grant()
end
if redis.call('HGET', hash, 'owner') == process then return reply() end
keep()
return waiting(false)
`

/** Further arguments: the epoch, and the dead process. */
export const takeOver = `${common}
local epoch, dead = ARGV[5], ARGV[6]
local fields = redis.call('HMGET', hash, 'owner', 'epoch')
if fields[1] == dead and fields[2] == epoch then
  removeFromQueue(dead)
  redis.call('HDEL', hash, 'owner')
  redis.call('HSET', hash, 'uncertain', '1')
end
return reply()
`

/** Further argument: the epoch of the turn that the process has used. */
export const withdraw = `${common}
removeFromQueue(process)
local fields = redis.call('HMGET', hash, 'owner', 'epoch')
if fields[1] == process then
  if fields[2] == ARGV[5] then redis.call('HSET', hash, 'uncertain', '1') end
  redis.call('HDEL', hash, 'owner')
  -- Without a state, the next one finds out whether the store has lost everything: when it polls.
  if redis.call('HEXISTS', hash, 'state') == 1 then grant() end
end
`

/**
 * `KEYS[1]` is the key of a process, and `KEYS[2]` the set of webhooks that others ask it for. The argument is
 * the lease. Returns whether the process was alive, the time, and the set, which it empties.
 */
export const refresh = `
local time = redis.call('TIME')
local existed = redis.call('EXISTS', KEYS[1])
redis.call('SET', KEYS[1], '1', 'PX', ARGV[1])
local asked = redis.call('SMEMBERS', KEYS[2])
redis.call('DEL', KEYS[2])
return { existed, time[1], time[2], asked }
`

/**
 * `KEYS[1]` is the time of the last loss. Arguments: milliseconds to live, the pattern of the channels of
 * processes, and `1` if the process has called before. Processes that are connected to a store without this key
 * have lost what they stored.
 */
export const lostAt = `
local lost = redis.call('GET', KEYS[1])
if not lost then
  -- A server that does not answer this leaves the loss to the processes that have called before.
  local others = redis.pcall('PUBSUB', 'CHANNELS', ARGV[2])
  if others.err then others = {} end
  for _, channel in ipairs(others) do redis.call('PUBLISH', channel, '{"lost":true}') end
  local time = redis.call('TIME')
  lost = (#others > 0 or ARGV[3] == '1') and string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000)) or ''
end
redis.call('SET', KEYS[1], lost, 'PX', ARGV[1])
return lost
`

/** The argument is the key of a webhook. */
export const ask = `
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('SADD', KEYS[2], ARGV[1])
redis.call('PEXPIRE', KEYS[2], redis.call('PTTL', KEYS[1]) + 60000)
return 1
`

export const leave = `return redis.call('DEL', KEYS[1], KEYS[2])`

/** `KEYS[1]` is a hash of reports by process; its field `version` counts them. */
export const readReports = `
local fields = redis.call('HGETALL', KEYS[1])
local result = { redis.call('HGET', KEYS[1], 'version') or '0' }
for index = 1, #fields, 2 do
  if fields[index] ~= 'version' then
    table.insert(result, fields[index])
    table.insert(result, fields[index + 1])
  end
end
return result
`

/** Arguments: the version that was read, milliseconds to live, process, report, and processes to remove. */
export const writeReport = `
if (redis.call('HGET', KEYS[1], 'version') or '0') ~= ARGV[1] then return 0 end
for index = 5, #ARGV do redis.call('HDEL', KEYS[1], ARGV[index]) end
redis.call('HSET', KEYS[1], ARGV[3], ARGV[4])
redis.call('HINCRBY', KEYS[1], 'version', 1)
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
`
