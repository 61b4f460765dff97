-- Prints what wrk measured as one line of JSON.
done = function(summary, latency, _)
   local errors = summary.errors
   io.write(string.format(
      '{"value": %.1f, "requests": %d, "failed": %d, "p50Ms": %.3f, "p99Ms": %.3f}\n',
      summary.requests / summary.duration * 1e6, summary.requests,
      errors.connect + errors.read + errors.write + errors.status + errors.timeout,
      latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
