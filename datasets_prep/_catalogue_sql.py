"""The catalogue's tables, and what it asks them."""

TABLES = """
CREATE TABLE labels (id INTEGER PRIMARY KEY, number INTEGER);
CREATE TABLE samples (
    id INTEGER PRIMARY KEY, key TEXT, label INTEGER,
    field TEXT, member TEXT, file INTEGER, offset INTEGER, size INTEGER, hash INTEGER, row INTEGER,
    fold INTEGER, extras INTEGER, extra_bytes INTEGER
);
CREATE TABLE extras (
    sample INTEGER, number INTEGER,
    field TEXT, member TEXT, file INTEGER, offset INTEGER, size INTEGER, hash INTEGER, row INTEGER,
    PRIMARY KEY (sample, number)
) WITHOUT ROWID;
"""
ADD_SAMPLE = "INSERT INTO samples VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
ADD_EXTRA = "INSERT INTO extras VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
NUMBER_LABEL = "INSERT OR REPLACE INTO labels VALUES (?, ?)"
SIZES = "SELECT size, extras, extra_bytes FROM samples ORDER BY id"
SAMPLES = """
SELECT samples.id, key, number, field, member, file, offset, size, hash, row
FROM samples JOIN labels ON labels.id = label WHERE samples.id IN
"""
"""To be followed by ids."""
EXTRAS = "SELECT sample, field, member, file, offset, size, hash, row FROM extras WHERE sample IN"
"""To be followed by ids."""
DUPLICATES = """
SELECT key FROM samples WHERE fold IN (SELECT fold FROM samples GROUP BY fold HAVING count(*) > 1)
GROUP BY key HAVING count(*) > 1 LIMIT ?
"""
CASE_TWINS = """
SELECT min(key), max(key) FROM samples
WHERE fold IN (SELECT fold FROM samples GROUP BY fold HAVING count(*) > 1)
GROUP BY fold HAVING min(key) <> max(key) LIMIT ?
"""
PREFIXES = "CREATE TEMP TABLE prefixes (file INTEGER PRIMARY KEY, prefix TEXT)"
ADD_PREFIX = "INSERT OR IGNORE INTO prefixes VALUES (?, ?)"
SPELL_EXTRAS = """
UPDATE extras
SET member = (SELECT key FROM samples WHERE id = sample) || '.' || field
WHERE member IS NULL AND sample IN (SELECT id FROM samples WHERE file IN (SELECT file FROM prefixes))
"""
"""Before a key changes, from which a member's name may follow."""
_PREFIXED = "(SELECT prefix FROM prefixes WHERE prefixes.file = samples.file) || key"
PREFIX_KEYS = f"""
UPDATE samples
SET member = coalesce(member, key || '.' || field), key = {_PREFIXED}, fold = folded({_PREFIXED})
WHERE file IN (SELECT file FROM prefixes)
"""  # noqa: S608 - nobody else's text
