"""Names and descriptions for what comes from a crontab."""

import pytest

from schedules.crontab.naming import described, from_command, from_comment, masked, unique


@pytest.mark.parametrize(
    "command",
    [
        "curl -u me:geheim https://a.example.com",
        "curl -ume:geheim https://a.example.com",
        "curl --user=me:geheim https://a.example.com",
        "curl -H 'Authorization: Bearer geheim' https://a.example.com",
        'curl -H "X-Api-Key:geheim" https://a.example.com',
        "curl https://me:geheim@a.example.com",
        "curl 'https://a.example.com/?token=geheim&x=1'",
        "PGPASSWORD=geheim pg_dump x",
        "MYSQL_PWD=geheim mysqldump x",
        "mysqldump -pgeheim x",
        "backup --password geheim",
        "API_TOKEN=geheim backup",
    ],
)
def test_what_looks_like_a_password_is_masked(command):
    assert "geheim" not in masked(command)
    assert "***" in masked(command)


@pytest.mark.parametrize(
    "command", ["python -u run.py", "mkdir -p /a", "sudo -u www-data a", "curl --user-agent x y"]
)
def test_other_options_stay_as_they_are(command):
    assert masked(command) == command


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("/usr/local/bin/backup.sh --full", "backup.sh"),
        ("bash /opt/sync.sh", "sync.sh"),
        ("LANG=C nice /opt/python3 /opt/clean.py", "clean.py"),
        ("tar -zcf /x /home", "tar"),
        ("cd / && run-parts --report /etc/cron.hourly", "run-parts"),
        ("test -x /usr/sbin/anacron || { cd / && run-parts /etc/cron.daily; }", "run-parts"),
        ("[ -x /usr/bin/php ] && php /var/www/cron.php", "cron.php"),
        ("command -v debian-sa1 > /dev/null && debian-sa1 1 1", "debian-sa1"),
        ("pg_dump shop | gzip > /x && rsync /x y:", "pg_dump"),
        ("cd /", "cd"),
        ("", "command"),
    ],
)
def test_a_command_is_called_by_its_program(command, name):
    assert from_command(command) == name


def test_a_comment_is_a_name_by_its_first_line():
    assert from_comment("Close the books.\nEvery night") == "Close the books"
    assert from_comment("\x1b[31mred\u202e") == "[31mred"
    assert len(from_comment("word " * 100)) <= 80


def test_a_name_that_is_taken_gets_a_number():
    assert unique("a", {"b"}) == "a"
    assert unique("a", {"a", "a 2"}) == "a 3"


def test_a_description_says_where_it_comes_from():
    assert described(comment="Close\nthe books", number=3, source="/etc/crontab", user="root") == (
        "Close the books. From line 3 of /etc/crontab, where root ran it."
    )
    assert described(comment="x" * 2000, number=3, source="-", user="", command="y").endswith("line 3 of -. There: y")
    assert len(described(comment="", number=3, source="-", user="", command="y" * 2000)) == 1000
