-- Makes one purchase, once for a player's request number.
-- KEYS: the player's hash (gold, and each answer under its request number), the
-- product's hash (price, left). ARGV: request number, SKU, quantity, then the
-- codes of NOT_FOUND, INSUFFICIENT_FUNDS and SOLD_OUT.
-- Answers as Receipt.String has it: code, quantity, price, balance, SKU.
local player, product = KEYS[1], KEYS[2]
local request, sku, quantity = ARGV[1], ARGV[2], tonumber(ARGV[3])

local wallet = redis.call('HMGET', player, 'gold', request)
if wallet[2] then
  return wallet[2]
end
local offer = redis.call('HMGET', product, 'price', 'left')
local gold, price, left = tonumber(wallet[1] or 0), tonumber(offer[1] or 0) * quantity, tonumber(offer[2] or 0)

local code = '0'
if not offer[1] then
  code = ARGV[4]
elseif gold < price then
  code = ARGV[5]
elseif left < quantity then
  code = ARGV[6]
end
if code ~= '0' then
  local refused = code .. ' ' .. ARGV[3] .. ' 0 0 ' .. sku
  redis.call('HSET', player, request, refused)
  return refused
end

local bought = string.format('0 %.0f %.0f %.0f %s', quantity, price, gold - price, sku)
redis.call('HINCRBY', product, 'left', -quantity)
redis.call('HSET', player, 'gold', string.format('%.0f', gold - price), request, bought)
return bought
