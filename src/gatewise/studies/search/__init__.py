"""Equal tuning budgets: every combination of levels is given the same number of trials before its final seeds.

==============  ==============================================================
`settings`      what a study file says of its search
`space`         the values that a setting may take, checked against the runs
`checks`        what is wrong with a search before anything runs
`trials`        which values are tried, one level after its own last trial
`record`        what trials came to
`phase`         the trials of all levels, side by side, and the plan that follows
`summary`       what was spent and found, for the comparison
==============  ==============================================================
"""
