"""What stands between a stranger's file and the memory of this machine: every check here looks at names, links and
declared sizes only, and raises `DataError` before anything is read or unpacked."""
