-- With the environment variable BODY each request is a POST of it, in JSON, with a number of its own for each #.
local body, number = os.getenv("BODY"), 0
if body then
  wrk.headers["Content-Type"] = "application/json"
  request = function()
    number = number + 1
    return wrk.format("POST", nil, nil, (body:gsub("#", number)))
  end
end

-- What the run gave, as one line of JSON at the end.
done = function(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests": %d, "duration": %d, "p50": %d, "p99": %d, "refused": %d, "broken": %d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.status, errors.connect + errors.read + errors.write + errors.timeout
  ))
end
