from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('integrations', '0003_audit_guards'),
    ]

    operations = [
        migrations.CreateModel(
            name='RequestCount',
            fields=[
                ('key', models.CharField(max_length=150, primary_key=True, serialize=False)),
                ('began', models.BigIntegerField(help_text='Milliseconds since 1970.')),
                ('count', models.BigIntegerField()),
            ],
        ),
    ]
