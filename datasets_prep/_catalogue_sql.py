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
SPELL_EXTRAS = """
UPDATE extras
SET member = coalesce(member, (SELECT key FROM samples WHERE id = sample) || '.' || field)
WHERE sample IN (SELECT id FROM samples WHERE file = :file)
"""
"""Before a key changes, from which a member's name may follow."""
PREFIX_KEYS = """
UPDATE samples
SET member = coalesce(member, key || '.' || field), key = :prefix || key, fold = folded(:prefix || key)
WHERE file = :file
"""
