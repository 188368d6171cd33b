# syntax=docker/dockerfile:1

FROM python:3.11-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
# Before the code: a change of code alone does not install anything again.
COPY requirements.txt constraints.txt ./
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --requirement requirements.txt --constraint constraints.txt
COPY . .
# The key signs nothing: it only lets the settings load.
RUN APP_ENV=production ALLOWED_HOSTS=build.invalid VAR_DIR=/tmp/var \
    SECRET_KEY="$(python -c 'import secrets; print(secrets.token_urlsafe(64))')" \
    python manage.py collectstatic --no-input --verbosity 0 \
    && python -m compileall -q /app
# All kernels as machine code, those of options and of live strategies too: a worker would compile
# for a minute while orders wait. container_start.sh brings them to each container.
RUN NUMBA_CACHE_DIR=/opt/numba APP_ENV=production ALLOWED_HOSTS=build.invalid VAR_DIR=/tmp/var \
    SECRET_KEY="$(python -c 'import secrets; print(secrets.token_urlsafe(64))')" \
    python manage.py warm --all


FROM python:3.11-slim-bookworm
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    APP_ENV=production \
    VAR_DIR=/var/lib/algobacktester \
    HOME=/tmp \
    NUMBA_CACHE_DIR=/tmp/numba \
    MPLCONFIGDIR=/tmp/matplotlib
RUN groupadd --system --gid 10001 app \
    && useradd --system --uid 10001 --gid app --no-create-home --shell /usr/sbin/nologin app \
    && install --directory --owner app --group app --mode 0700 /var/lib/algobacktester
# Owned by root: the program cannot change itself.
COPY --from=build /opt/venv /opt/venv
COPY --from=build /opt/numba /opt/numba
COPY --from=build /app /app
WORKDIR /app
USER app
VOLUME /var/lib/algobacktester
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=40s --start-interval=1s --retries=3 \
    CMD ["python", "backtester/stack/container_health.py"]
ENTRYPOINT ["/bin/sh", "/app/backtester/stack/container_start.sh"]
# Django itself reads the proxy's headers (PROXY_COUNT); WEB_CONCURRENCY sets the process count.
CMD ["uvicorn", "backtester.asgi:application", "--host", "0.0.0.0", "--port", "8000", \
     "--no-proxy-headers", "--no-access-log", "--no-server-header", "--timeout-graceful-shutdown", "20"]
