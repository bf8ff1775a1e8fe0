"""Make the groups that are the roles. Their rights follow from integrations/scopes.py; the rows hold none."""

from django.db import migrations

ROLES = ("viewer", "operator", "editor", "admin")


def make_groups(apps, schema_editor):
    groups = apps.get_model("auth", "Group").objects
    for name in ROLES:
        groups.get_or_create(name=name)


class Migration(migrations.Migration):
    dependencies = [("integrations", "0001_initial"), ("auth", "0012_alter_user_first_name_max_length")]
    operations = [migrations.RunPython(make_groups, migrations.RunPython.noop)]
