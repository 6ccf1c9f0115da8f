-- If the environment variable BODY is set, each request is a POST with this JSON body, in which each # is replaced
-- with the number of the request.
local body, number = os.getenv("BODY"), 0
if body then
  wrk.headers["Content-Type"] = "application/json"
  request = function()
    number = number + 1
    return wrk.format("POST", nil, nil, (body:gsub("#", number)))
  end
end

-- Print a summary of the run as one line of JSON.
done = function(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests": %d, "duration": %d, "p50": %d, "p99": %d, "refused": %d, "broken": %d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.status, errors.connect + errors.read + errors.write + errors.timeout
  ))
end
