"""A CSP's final say on a preferred schedule, group by group or hub by hub (X07, told as N74).

The groups themselves stand in `schedules`.
"""
