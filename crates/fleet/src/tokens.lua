-- KEYS[1]: a bucket: `missing` token-milliseconds at `at`. ARGV: count, period in milliseconds, burst, desired.
-- Gives: tokens given, at most as many as there are. The clock is Redis's own.
local count, period = tonumber(ARGV[1]), tonumber(ARGV[2])
local burst, desired = tonumber(ARGV[3]), tonumber(ARGV[4])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local known = redis.call('HMGET', KEYS[1], 'missing', 'at')
local missing, at = tonumber(known[1] or 0), tonumber(known[2] or now)
local room = burst * period
missing = math.max(0, math.min(missing, room) - count * math.max(0, now - at))
local given = math.max(0, math.min(desired, math.floor((room - missing) / period)))
missing = missing + given * period
redis.call('HSET', KEYS[1], 'missing', string.format('%.0f', missing), 'at', string.format('%.0f', math.max(now, at)))
redis.call('PEXPIRE', KEYS[1], math.ceil(missing / count) + 60000)
return { given }
