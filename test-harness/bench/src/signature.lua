local value_of = {}
local alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
for place = 1, 64 do value_of[alphabet:byte(place)] = place - 1 end

local function from_base64url(text)
  local octets, kept, bits = {}, 0, 0
  for place = 1, #text do
    kept, bits = kept * 64 + value_of[text:byte(place)], bits + 6
    if bits >= 8 then
      bits = bits - 8
      local octet = math.floor(kept / 2 ^ bits)
      octets[#octets + 1] = string.char(octet)
      kept = kept - octet * 2 ^ bits
    end
  end
  return table.concat(octets)
end

function envoy_on_request(handle)
  local authorization = handle:headers():get("authorization") or ""
  local signed, encoded = authorization:match("^Bearer ([%w_-]+%.[%w_-]+)%.([%w_-]+)$")
  local valid = false
  if signed then
    local signature = from_base64url(encoded)
    local key = handle:importPublicKey(key_der, #key_der):get()
    valid = handle:verifySignature("sha256", key, signature, #signature, signed, #signed)
  end
  if not valid then handle:respond({ [":status"] = "401" }, "refused") end
end
