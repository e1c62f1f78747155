-- KEYS[1]: a hash with what each daemon has leased, as `m:INSTANCE` (micro-dollars) and `c:INSTANCE` (calls).
-- ARGV: the daemon, seconds to remember it; then for money and for calls: held, need, max (-1: unbounded), desired.
-- Gives: micro-dollars given, of all, calls given, of all. The sums are those of `Terms::give`.
local known = redis.call('HGETALL', KEYS[1])

local function whole(number)
  return string.format('%.0f', number)
end

local function lease(field, first)
  local held, need = tonumber(ARGV[first]), tonumber(ARGV[first + 1])
  local max, desired = tonumber(ARGV[first + 2]), tonumber(ARGV[first + 3])
  if max < 0 then
    return 0, 0
  end
  local mine, all, own = field .. ':' .. ARGV[1], 0, 0
  for place = 1, #known, 2 do
    if string.sub(known[place], 1, 2) == field .. ':' then
      local leased = tonumber(known[place + 1])
      all = all + leased
      if known[place] == mine then
        own = leased
      end
    end
  end
  if held > own then
    all, own = all + held - own, held
  end
  local left, given = max - all, 0
  if left > 0 and left >= need then
    local part = math.min(math.ceil(max / 64), math.ceil(left / 4))
    given = math.min(math.max(need, math.min(desired, left), part), left)
  end
  redis.call('HSET', KEYS[1], mine, whole(own + given))
  return given, all + given
end

local micros, all_micros = lease('m', 3)
local calls, all_calls = lease('c', 7)
redis.call('EXPIRE', KEYS[1], ARGV[2])
return { micros, all_micros, calls, all_calls }
