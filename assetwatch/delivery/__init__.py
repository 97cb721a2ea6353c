"""What is owed, is it here, and what is wrong with it?

Pure: values in, values out. `findings` is the one shape of what a check found. `match` takes paths by patterns,
`counts` says how many are needed, `versions` which of several versions fulfils, `spec` what the media must be
(`starters`, `mediaconch`), `agreement` whether a turnover agrees with itself, `cut_sources` whether what a cut uses is
here, `footage` what a shoot day lacks, and `status` derives where a deliverable stands from all of it.
"""
