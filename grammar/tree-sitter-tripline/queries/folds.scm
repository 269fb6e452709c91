[
  (fields)
  (columns)
  (clauses)
  (alert_fields)
  (test_lines)
  (event_values)
  (alert_values)
] @fold
