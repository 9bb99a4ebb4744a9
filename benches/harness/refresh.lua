-- wrk -s refresh.lua URL -- AUTHIDS THREADS [PAUSE_MS] [close]
--
-- GETs /refresh as Duplicati does, with an AuthID from the file in its header.
-- Every thread has its own slice of the file and goes round in it. All requests
-- are made before the load starts: request() only hands out the next one.
-- With a pause, each connection waits that long between two requests; latencies
-- do not count it. With "close", every request has a connection of its own.

local threads = {}

function setup(thread)
  thread:set("slice", #threads)
  table.insert(threads, thread)
end

local requests, count, position = {}, 0, 0
rounds = 0 -- global, so that done() can read it

function init(args)
  local slices, line = tonumber(args[2]), 0
  local pause_ms = tonumber(args[3] or 0)
  if pause_ms > 0 then
    function delay() return pause_ms end -- global: wrk looks for it after init()
  end
  for authid in io.lines(args[1]) do
    if line % slices == slice then
      local headers = { ["X-AuthID"] = authid, ["User-Agent"] = "Duplicati v2.1" }
      if args[4] == "close" then headers["Connection"] = "close" end
      requests[#requests + 1] = wrk.format("GET", "/refresh", headers)
    end
    line = line + 1
  end
  count = #requests
end

function request()
  position = position + 1
  if position > count then
    position = 1
    rounds = rounds + 1
  end
  return requests[position]
end

function done(summary, latency)
  local whole_rounds = math.huge
  for _, thread in ipairs(threads) do
    whole_rounds = math.min(whole_rounds, thread:get("rounds"))
  end
  local e = summary.errors
  io.write(string.format(
    'RESULT {"requests":%d,"duration_us":%d,"p50_us":%d,"p99_us":%d,"whole_rounds":%d,' ..
    '"errors":{"connect":%d,"read":%d,"write":%d,"timeout":%d,"status":%d}}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    whole_rounds, e.connect, e.read, e.write, e.timeout, e.status))
end
