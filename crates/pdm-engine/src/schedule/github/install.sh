if [ -z "$PDM_ML_INSTALL" ]; then
  echo "::error title=pdm-ml is not installed::Set the repository variable PDM_ML_INSTALL to a command that installs pdm-ml"
  echo "Settings > Secrets and variables > Actions > Variables; for example a download of a binary your organisation built"
  exit 1
fi
echo "$HOME/.cargo/bin" >> "$GITHUB_PATH"
echo "$HOME/.local/bin" >> "$GITHUB_PATH"
export PATH="$HOME/.cargo/bin:$HOME/.local/bin:$PATH"
bash -euo pipefail -c "$PDM_ML_INSTALL"
pdm-ml --version
