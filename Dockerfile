# One image, three uses: the web server, `python manage.py runscheduler` and Celery workers.
FROM python:3.13-slim

RUN useradd --create-home --uid 10001 carillon
WORKDIR /srv/carillon

COPY requirements/celery.txt requirements/celery.txt
RUN pip install --no-cache-dir --disable-pip-version-check -r requirements/celery.txt

COPY . .
# Collecting static files needs settings, but nothing of these values stays in the image.
RUN DEBUG=false SECRET_KEY=only-while-building ALLOWED_HOSTS=localhost \
    CARILLON_ENCRYPTION_KEYS=MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE= \
    python manage.py collectstatic --noinput --verbosity 0 \
    && mkdir -p var/files && chown -R carillon:carillon var

USER carillon
ENV PYTHONUNBUFFERED=1 LOG_FORMAT=json
EXPOSE 8000
CMD ["gunicorn", "scheduler_site.wsgi:application", "--bind", "0.0.0.0:8000", "--workers", "2", "--threads", "8", "--no-control-socket", "--logger-class", "scheduler_site.weblog.WebLogger", "--access-logfile", "-"]
