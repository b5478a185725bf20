# Resitu in a container.
#   CPU:  docker build -t resitu .
#   CUDA: docker build -t resitu:cuda --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu130 .
#   run:  docker run -p 127.0.0.1:8501:8501 -v resitu-data:/data resitu
# There is no sign-in yet: publish the port on loopback only, or behind a proxy that asks who is there.
FROM python:3.11-slim-bookworm

# Where torch comes from. The default is the CPU build; see README for the CUDA one.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu

# Chromium draws the SVG and PNG downloads (kaleido).
RUN apt-get update \
 && apt-get install -y --no-install-recommends chromium fonts-dejavu-core \
 && rm -rf /var/lib/apt/lists/*

WORKDIR /app
COPY requirements.txt constraints.txt ./
RUN pip install --no-cache-dir --extra-index-url "$TORCH_INDEX" torch==2.13.0 -r requirements.txt -c constraints.txt

COPY app.py pyproject.toml ./
COPY .streamlit .streamlit
COPY assets assets
COPY backend backend
COPY pages pages

RUN useradd --create-home --uid 10001 resitu && mkdir /data && chown resitu /data
USER resitu
ENV RESITU_HOME=/data RESITU_ADDRESS=0.0.0.0 PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
VOLUME /data
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"]
CMD ["python", "-m", "backend.jobs.serve"]
