# The relay alone: docker build -t moodcast-relay .
FROM python:3.13.7-slim-bookworm AS build
WORKDIR /source
COPY . .
RUN python -m venv /opt/moodcast \
    && /opt/moodcast/bin/pip install --no-cache-dir --disable-pip-version-check '.[cluster,postgres]'
# What viewers' browsers read faces with, compressed: a minute, and then no relay has to fetch it.
RUN XDG_CACHE_HOME=/opt/moodcast/cache /opt/moodcast/bin/moodcast models assets

FROM python:3.13.7-slim-bookworm
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/moodcast moodcast
COPY --from=build /opt/moodcast /opt/moodcast
USER moodcast
ENV MOODCAST_HOST=0.0.0.0 \
    MOODCAST_PORT=8765 \
    MOODCAST_DATA=/var/lib/moodcast \
    MOODCAST_LOG_FORMAT=json \
    XDG_CACHE_HOME=/opt/moodcast/cache
VOLUME /var/lib/moodcast
EXPOSE 8765
# Alive, not ready: a node that drains must be left to say its goodbyes.
HEALTHCHECK --interval=10s --timeout=5s --start-period=15s --retries=3 \
    CMD ["/opt/moodcast/bin/python", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"MOODCAST_PORT\"]}/healthz', timeout=3)"]
ENTRYPOINT ["/opt/moodcast/bin/moodcast"]
CMD ["relay"]
