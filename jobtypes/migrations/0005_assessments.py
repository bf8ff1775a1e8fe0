
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('jobtypes', '0004_compliance_guards'),
    ]

    operations = [
        migrations.CreateModel(
            name='Assessment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('run_id', models.BigIntegerField()),
                ('assessed_at', models.DateTimeField()),
                ('passed', models.PositiveIntegerField(default=0)),
                ('failed', models.PositiveIntegerField(default=0)),
                ('insufficient', models.PositiveIntegerField(default=0)),
                ('unknown', models.PositiveIntegerField(default=0)),
                ('waived_passed', models.PositiveIntegerField(default=0)),
                ('waived_insufficient', models.PositiveIntegerField(default=0)),
                ('waived_other', models.PositiveIntegerField(default=0)),
                ('regressions', models.PositiveIntegerField(default=0)),
                ('fixed', models.PositiveIntegerField(default=0)),
                ('basis', models.CharField(help_text='SHA-256 of options, requirements and controls.', max_length=64)),
                ('present', models.JSONField(default=dict, help_text='Type of evidence that counted → the state of its pieces.')),
                ('catalog', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='assessments', to='jobtypes.catalog')),
                ('system', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='assessments', to='jobtypes.system')),
            ],
            options={
                'ordering': ['-run_id', 'system', 'catalog'],
                'default_permissions': ('view',),
                'indexes': [models.Index(fields=['system', 'catalog', '-run_id'], name='assessments_of_system')],
                'constraints': [models.UniqueConstraint(fields=('run_id', 'system', 'catalog'), name='one_assessment_of_a_system')],
            },
        ),
    ]
